// What a sequencer does to cells, as technical.py defines it: problem, and what each unit defines.
//
// counts.cpp goes through the conditions of all models. technical.cpp has the random numbers and is
// compiled for each instruction set.
#pragma once

#include <cstdint>

#include "../_native/sets.hpp"

namespace activa {

// M models, R conditions, K cells, d genes; all arrays are contiguous.
struct Counts {
  int64_t M, R, K, d;
  uint64_t key;
  const uint64_t *word1, *word2;  // (M): counter words of a model
  double outlier_probability, outlier_sd, dropout_shape;
  const double* choices;  // (M, 4): mean of outliers, mean and sd of library sizes, percentile
  const float* cells;     // (M, R, K, d): expression
  float* counts;          // (M, R, K, d)
};

void draw_counts(const Counts&, Set, int threads);

// A random stream: key and counter words.
struct Place {
  uint64_t key;
  uint32_t word1, word2, word3;
};

constexpr int64_t ROOM = 4 * WIDEST;  // numbers are drawn in multiples of this

// Of a condition's entries x: low and high are neighbours in order, the percentile lies in between.
struct Dropout {
  float shape, low, high, share;  // low + share (high - low), both as log(1 + x)
};

#define ACTIVA_DECLARE(ISA)                                                                   \
  namespace ISA {                                                                             \
  /* n numbers in (0, 1], and exp(mean + sd z) of normal z. */                                \
  void uniforms(const Place&, int64_t n, float* out);                                         \
  void log_normals(const Place&, int64_t n, float mean, float sd, float* out);                \
  /* Sets to 0 each of n entries whose uniform number is not below its probability to stay. */ \
  void drop(const Dropout&, int64_t n, const float* uniform, float* x);                       \
  /* Replaces n means by Poisson numbers; entries (n) is for its use. */                      \
  void poisson(const Place&, int64_t n, uint32_t* entries, float* x);                         \
  }
ACTIVA_EACH_SET(ACTIVA_DECLARE)
#undef ACTIVA_DECLARE

}  // namespace activa
