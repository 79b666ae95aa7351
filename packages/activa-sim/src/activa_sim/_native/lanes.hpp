// Vectors as wide as the instruction set that a unit is compiled for.
//
// All arithmetic is elementwise and correctly rounded, and nothing is contracted (-ffp-contract=off),
// so a result does not depend on the width. Everything has internal linkage: an inline function could
// be merged across units by the linker, which may keep the AVX-512 copy.
#pragma once

#include <math.h>
#include <stdint.h>
#ifdef ACTIVA_X86
#include <immintrin.h>
#endif

namespace activa::ACTIVA_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int BYTES = 64;
#elif defined(__AVX2__)
constexpr int BYTES = 32;
#else
constexpr int BYTES = 16;
#endif
constexpr int LANES = BYTES / 4;  // of 32 bits
constexpr int HALF = LANES / 2;   // lanes of 64 bits

typedef float Float __attribute__((vector_size(BYTES)));
typedef int32_t Int __attribute__((vector_size(BYTES)));
typedef uint32_t Word __attribute__((vector_size(BYTES)));
typedef double Double __attribute__((vector_size(BYTES)));
typedef int64_t Long __attribute__((vector_size(BYTES)));
typedef uint64_t Wide __attribute__((vector_size(BYTES)));
typedef float HalfFloat __attribute__((vector_size(BYTES / 2)));  // as many as a Double has
typedef uint32_t HalfWord __attribute__((vector_size(BYTES / 2)));

#define ACTIVA_INLINE [[maybe_unused]] static inline __attribute__((always_inline))

template <class V, class T>
ACTIVA_INLINE V load(const T* at) {
  V v;
  __builtin_memcpy(&v, at, sizeof v);
  return v;
}

template <class V, class T>
ACTIVA_INLINE void store(T* at, V v) {
  __builtin_memcpy(at, &v, sizeof v);
}

template <class V, class T>
ACTIVA_INLINE V all(T value) {
  return V{} + value;
}

// The bits of one type of vector as another.
template <class To, class From>
ACTIVA_INLINE To as(From v) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &v, sizeof v);
  return to;
}

// Lanes of `yes` where a comparison holds, else of `no`.
ACTIVA_INLINE Float select(Int mask, Float yes, Float no) { return mask ? yes : no; }
ACTIVA_INLINE Word select(Int mask, Word yes, Word no) { return mask ? yes : no; }
ACTIVA_INLINE Double select(Long mask, Double yes, Double no) { return mask ? yes : no; }

ACTIVA_INLINE Float root(Float x) {
#if defined(__AVX512F__)
  return (Float)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
  return (Float)_mm256_sqrt_ps((__m256)x);
#elif defined(ACTIVA_X86)
  return (Float)_mm_sqrt_ps((__m128)x);
#else
  for (int i = 0; i < LANES; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

ACTIVA_INLINE Double root(Double x) {
#if defined(__AVX512F__)
  return (Double)_mm512_sqrt_pd((__m512d)x);
#elif defined(__AVX2__)
  return (Double)_mm256_sqrt_pd((__m256d)x);
#elif defined(ACTIVA_X86)
  return (Double)_mm_sqrt_pd((__m128d)x);
#else
  for (int i = 0; i < HALF; ++i) x[i] = __builtin_sqrt(x[i]);
  return x;
#endif
}

// Product of the low halves of 64-bit lanes, whatever stands in the high ones.
ACTIVA_INLINE Wide multiply_low(Wide a, Wide b) {
#if defined(__AVX512F__)
  return (Wide)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Wide)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(ACTIVA_X86)
  return (Wide)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  const Wide low = all<Wide>(uint64_t(0xFFFFFFFF));
  return (a & low) * (b & low);
#endif
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
