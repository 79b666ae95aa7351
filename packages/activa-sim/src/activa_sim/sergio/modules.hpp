// Modules of a network, as modules.py defines them: whole numbers only, so the same everywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "../_native/sets.hpp"

namespace activa {

// A network of n genes, all arrays contiguous. Ranked lists put genes of low degree in the skeleton
// first, and of equal degree those with low numbers.
struct Network {
  int64_t n;
  const int64_t* offsets;     // (n + 1): of each gene's neighbours in the skeleton
  const int64_t* neighbours;  // ranked
  const int64_t* starts;      // (n + 1): of each gene's targets
  const int64_t* targets;     // rising
};

// Each of M models takes a module of d genes of one of the networks.
struct Modules {
  std::vector<Network> networks;
  int64_t M, d;
  double best_share;
  int64_t regulators;  // as many are taken first
  uint64_t key;
  const uint64_t *word1, *word2;  // (M): counter words of a model
  int64_t* source;                // (M): number of its network
  bool* graphs;                   // (M, d, d)
};

void draw_modules(const Modules&, Set, int threads);

}  // namespace activa
