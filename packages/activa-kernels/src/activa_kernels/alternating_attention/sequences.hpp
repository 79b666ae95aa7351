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

constexpr double LOG2_E = 1.44269504088896341, LOG_2 = 0.693147180559945309;
constexpr int64_t SHORT = 12;  // tokens, at most, of a short sequence

// 2^x for x up to 0 and little more, beside numbers of type M: the relative error is 3e-6 beside
// Bfloat16, else 2e-7. Polynomials of least relative error on [-1/2, 1/2], exact at 0.
template <class M>
ACTIVA_INLINE Vector<float> power_of_two(Vector<float> x) {
#if defined(__AVX512F__)
  const Vector<float> n = (Vector<float>)_mm512_roundscale_ps((__m512)x, 0);
#else
  x = larger(x, splat(-126.0f));
  const Vector<float> magic = splat(12582912.0f);  // 1.5 * 2^23: the last bits of `shifted` are n
  const Vector<float> shifted = x + magic, n = shifted - magic;
#endif
  const Vector<float> r = x - n;
  Vector<float> p;
  if constexpr (sizeof(M) == 2) {
    p = splat(9.582852945e-3f);
    p = p * r + splat(5.590642616e-2f);
    p = p * r + splat(2.402409911e-1f);
    p = p * r + splat(6.931241751e-1f);
  } else {
    p = splat(1.326465281e-3f);
    p = p * r + splat(9.671511129e-3f);
    p = p * r + splat(5.550733954e-2f);
    p = p * r + splat(2.402224243e-1f);
    p = p * r + splat(6.931470037e-1f);
  }
  p = p * r + splat(1.0f);
#if defined(__AVX512F__)
  return (Vector<float>)_mm512_scalef_ps((__m512)p, (__m512)n);
#elif defined(ACTIVA_BUILT_IN_VECTORS)
  return float_of(bits_of(p) + (bits_of(shifted) << 23));
#else
  for (int l = 0; l < LANES<float>; ++l) p[l] = ldexpf(p[l], int(n[l]));
  return p;
#endif
}

template <class M>
ACTIVA_INLINE Vector<double> power_of_two(Vector<double> x) {
  double lanes[LANES<double>];
  memcpy(lanes, &x, sizeof x);
  for (double& value : lanes) value = exp2(value);
  return load(lanes);
}

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
