// What the two ways of softmax attention share: how a sequence lies in a tile.
//
// Short sequences lie side by side in the lanes of vectors (short_sequences.hpp); the queries of a
// long one do (long_sequences.hpp). Either way all sums run over vectors, never within one.
#pragma once

#include "phases.hpp"
#include "transpose.hpp"
#include "vector.hpp"

namespace activa::ACTIVA_ISA {
namespace {

struct Sequence {
  int64_t first, stride, length;  // row of its first token, rows from token to token, tokens
};

// The arguments of the phases in cpu.hpp.
template <class T, class M>
struct Attention {
  const M *q, *k, *v;
  M* out;
  T* log_sums;
};

template <class T, class M>
struct AttentionBackward {
  const M *q, *k, *v, *out;
  const T* log_sums;
  const M* grad_out;
  M *grad_q, *grad_k, *grad_v;
};

constexpr int64_t SHORT = 12;  // tokens, at most, of a short sequence

// The first `count` numbers of a vector, or all where that is more.
template <class T, class M>
ACTIVA_INLINE Vector<T> load_part(const M* p, int64_t count) {
  if (count >= LANES<T>) return load(p);
  M lanes[LANES<T>] = {};
  for (int64_t l = 0; l < count; ++l) lanes[l] = p[l];
  return load(lanes);
}

template <class T, class M>
ACTIVA_INLINE void store_part(M* p, int64_t count, Vector<T> v) {
  if (count >= LANES<T>) return store(p, v);
  M lanes[LANES<T>];
  store(lanes, v);
  for (int64_t l = 0; l < count; ++l) p[l] = lanes[l];
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
