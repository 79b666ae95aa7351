// Words that hold a number, or two Bfloat16, in the lanes of vectors.
#pragma once

#include "vector.hpp"

namespace activa::ACTIVA_ISA {
namespace {

#ifdef ACTIVA_BUILT_IN_VECTORS

constexpr bool CAN_SPLIT = true;

// The two Bfloat16 of each word as floats, the lower half first; and back.
ACTIVA_INLINE Two<float> split(Vector<float> words) {
  const Vector<uint32_t> bits = (Vector<uint32_t>)words;
  return {(Vector<float>)(bits << 16), (Vector<float>)(bits & 0xffff0000)};
}

ACTIVA_INLINE Vector<float> joined(Vector<float> low, Vector<float> high) {
#ifdef __AVX512BF16__
  const Vector<uint32_t> lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
  return (Vector<float>)_mm512_permutexvar_epi16((__m512i)(lane | (lane + 16) << 16), both);
#else
  const auto round = [](Vector<float> v) {
    const Vector<uint32_t> bits = (Vector<uint32_t>)v;
    return bits + 0x7fff + (bits >> 16 & 1);
  };
  return (Vector<float>)(round(low) >> 16 | (round(high) & 0xffff0000));
#endif
}

#else

constexpr bool CAN_SPLIT = false;

#endif

// A vector of bits that lie at p, or its halves at low and at high.
template <class T, class M>
ACTIVA_INLINE Vector<T> load_bits(const M* p) {
  return load(reinterpret_cast<const T*>(p));
}
template <class T, class M>
ACTIVA_INLINE void store_bits(M* p, Vector<T> v) {
  store(reinterpret_cast<T*>(p), v);
}

template <class T, class M>
ACTIVA_INLINE Vector<T> load_halves(const M* low, const M* high) {
#ifdef __AVX512F__
  const auto half = [](const M* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); };
  return (Vector<T>)_mm512_inserti64x4(_mm512_castsi256_si512(half(low)), half(high), 1);
#else
  T both[LANES<T>];
  memcpy(both, low, VECTOR_BYTES / 2);
  memcpy(both + LANES<T> / 2, high, VECTOR_BYTES / 2);
  return load(both);
#endif
}
template <class T, class M>
ACTIVA_INLINE void store_halves(M* low, M* high, Vector<T> v) {
#ifdef __AVX512F__
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(low), _mm512_castsi512_si256((__m512i)v));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(high), _mm512_extracti64x4_epi64((__m512i)v, 1));
#else
  T both[LANES<T>];
  memcpy(both, &v, sizeof v);
  memcpy(low, both, VECTOR_BYTES / 2);
  memcpy(high, both + LANES<T> / 2, VECTOR_BYTES / 2);
#endif
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
