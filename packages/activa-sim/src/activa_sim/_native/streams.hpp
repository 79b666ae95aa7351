// Arrays of random streams, as `Streams` in rng.py has them.
#pragma once

#include <cstdint>

#include "sets.hpp"

namespace activa {

// Three counter words of every stream; the first one counts blocks of four numbers.
struct Streams {
  uint64_t key;
  int64_t count;
  const uint64_t *word1, *word2, *word3;  // (count), each below 2^32
};

// n numbers a stream, out (count, n).
void draw_words(const Streams&, int64_t n, uint32_t* out, Set, int threads);
void draw_normals(const Streams&, int64_t n, double* out, Set, int threads);
void draw_gammas(const Streams&, const double* concentration, int64_t n, double* out, Set,
                 int threads);

// Below: the streams from first to last; left ((last - first) n) is for the use of `gammas`.
#define ACTIVA_DECLARE(ISA)                                                               \
  namespace ISA {                                                                         \
  void words(const Streams&, int64_t first, int64_t last, int64_t n, uint32_t* out);      \
  void normals(const Streams&, int64_t first, int64_t last, int64_t n, double* out);      \
  void gammas(const Streams&, const double* concentration, int64_t first, int64_t last,   \
              int64_t n, int32_t* left, double* out);                                     \
  }
ACTIVA_EACH_SET(ACTIVA_DECLARE)
#undef ACTIVA_DECLARE

}  // namespace activa
