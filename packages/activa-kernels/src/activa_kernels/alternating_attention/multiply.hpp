// The step of every product: a word of one operand, spread over a vector, times a vector of the other.
//
// A word is a number, or the two Bfloat16 that one instruction multiplies and adds.
#pragma once

#include "phases.hpp"
#include "vector.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// Sums that are held in registers: 24 of 32, or 12 of 16.
constexpr int ROWS = 6;
constexpr int VECTORS = VECTOR_BYTES == 64 ? 4 : 2;

template <class M>
constexpr int WORD = 1;  // numbers in a word

template <class T>
ACTIVA_INLINE Vector<T> spread(const T* a) {
  return splat(*a);
}

ACTIVA_INLINE void multiply_add(Vector<float>& sum, Vector<float> x, Vector<float> y) { sum += x * y; }
ACTIVA_INLINE void multiply_add(Vector<double>& sum, Vector<double> x, Vector<double> y) {
  sum += x * y;
}

#ifdef __AVX512BF16__

template <>
constexpr int WORD<Bfloat16> = 2;

ACTIVA_INLINE Vector<uint32_t> spread(const Bfloat16* a) {
  uint32_t word;
  memcpy(&word, a, sizeof word);
  return word + Vector<uint32_t>{};
}
ACTIVA_INLINE Vector<uint32_t> load_words(const Bfloat16* b) {
  Vector<uint32_t> v;
  memcpy(&v, b, sizeof v);
  return v;
}
ACTIVA_INLINE void multiply_add(Vector<float>& sum, Vector<uint32_t> x, Vector<uint32_t> y) {
  sum = (Vector<float>)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)y);
}

#else

ACTIVA_INLINE Vector<float> spread(const Bfloat16* a) { return splat(float_of(*a)); }

#endif

template <class T>
ACTIVA_INLINE Vector<T> load_words(const T* b) {
  return load(b);
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
