// Rates of gene regulation, as kinetics.py defines them.
#pragma once

#include <cstdint>
#include <vector>

#include "../_native/sets.hpp"

namespace activa {

struct Kinetics {  // the law
  double basal[2], strength[2], sign[2];
  std::vector<double> hill, decay, amplitude;
};

// Of M models with d genes and C cell types; all arrays are contiguous.
struct Rates {
  int64_t M, d, C;
  uint64_t key;
  const uint64_t *word1, *word2;      // (M): counter words of a model
  double* strength;                   // (M, d, d)
  bool* activates;                    // (M, d, d)
  double* basal;                      // (M, d, C)
  double *hill, *decay, *amplitude;   // (M)
};

void draw_rates(const Kinetics&, const Rates&, Set, int threads);

}  // namespace activa
