// Modules of a network, as modules.py defines them: whole numbers only, so the same everywhere.
#pragma once

#include <cstdint>

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

struct Modules {
  Network network;
  int64_t M, d;
  double best_share;
  int64_t regulators;       // as many are taken first
  const uint32_t* words;    // (M, d): choices
  const int64_t *roots, *places;  // (M, d): where searches for cycles begin, and genes of the columns
  bool* graphs;             // (M, d, d)
};

void draw_modules(const Modules&, int threads);

}  // namespace activa
