// Vectors of the widest registers of the instruction set that a unit is compiled for.
//
// Everything here has internal linkage (see cpu.hpp). GCC and Clang have vectors built in; other
// compilers get a struct of lanes, which is right and slower. A product and a sum in one expression
// become one fused instruction where there is one (the build sets -ffp-contract=fast).
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "cpu.hpp"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#ifdef __GNUC__
#define ACTIVA_BUILT_IN_VECTORS
#define ACTIVA_INLINE [[maybe_unused]] static inline __attribute__((always_inline))
#define ACTIVA_UNROLL _Pragma("GCC unroll 16")
#else
#define ACTIVA_INLINE [[maybe_unused]] static inline
#define ACTIVA_UNROLL
#endif

namespace activa::ACTIVA_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
#elif defined(__AVX2__)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif

template <class T>
constexpr int LANES = VECTOR_BYTES / int(sizeof(T));

#ifdef ACTIVA_BUILT_IN_VECTORS

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  typedef float type __attribute__((vector_size(VECTOR_BYTES)));
};
template <>
struct VectorOf<double> {
  typedef double type __attribute__((vector_size(VECTOR_BYTES)));
};
template <>
struct VectorOf<int32_t> {
  typedef int32_t type __attribute__((vector_size(VECTOR_BYTES)));
};
template <>
struct VectorOf<uint32_t> {
  typedef uint32_t type __attribute__((vector_size(VECTOR_BYTES)));
};
template <class T>
using Vector = typename VectorOf<T>::type;
typedef uint16_t HalfVector __attribute__((vector_size(VECTOR_BYTES / 2)));

template <class T>
ACTIVA_INLINE Vector<T> splat(T value) {
  return value - Vector<T>{};  // not a sum: that would turn -0 into 0
}
ACTIVA_INLINE Vector<int32_t> bits_of(Vector<float> v) { return (Vector<int32_t>)v; }
ACTIVA_INLINE Vector<float> float_of(Vector<int32_t> v) { return (Vector<float>)v; }
ACTIVA_INLINE Vector<float> magnitude(Vector<float> v) {
  return (Vector<float>)((Vector<int32_t>)v & 0x7fffffff);
}
ACTIVA_INLINE Vector<double> magnitude(Vector<double> v) { return v < 0 ? -v : v; }
#ifdef __AVX512F__
ACTIVA_INLINE Vector<float> larger(Vector<float> a, Vector<float> b) {
  return (Vector<float>)_mm512_max_ps((__m512)a, (__m512)b);
}
ACTIVA_INLINE Vector<float> smaller(Vector<float> a, Vector<float> b) {
  return (Vector<float>)_mm512_min_ps((__m512)a, (__m512)b);
}
#else
ACTIVA_INLINE Vector<float> larger(Vector<float> a, Vector<float> b) { return a > b ? a : b; }
ACTIVA_INLINE Vector<float> smaller(Vector<float> a, Vector<float> b) { return a < b ? a : b; }
#endif
ACTIVA_INLINE Vector<double> larger(Vector<double> a, Vector<double> b) { return a > b ? a : b; }
ACTIVA_INLINE Vector<float> where_negative(Vector<float> x, Vector<float> then, Vector<float> other) {
  return x < splat(0.0f) ? then : other;
}
ACTIVA_INLINE Vector<double> where_negative(Vector<double> x, Vector<double> then,
                                            Vector<double> other) {
  return x < splat(0.0) ? then : other;
}

#else

template <class T>
struct Vector {
  T lane[LANES<T>];
  T& operator[](int64_t l) { return lane[l]; }
  T operator[](int64_t l) const { return lane[l]; }
  Vector& operator+=(const Vector& b) { return *this = *this + b; }
  Vector& operator-=(const Vector& b) { return *this = *this - b; }
  Vector& operator*=(const Vector& b) { return *this = *this * b; }
  friend Vector operator+(Vector a, const Vector& b) { return each(a, b, [](T p, T q) { return T(p + q); }); }
  friend Vector operator-(Vector a, const Vector& b) { return each(a, b, [](T p, T q) { return T(p - q); }); }
  friend Vector operator*(Vector a, const Vector& b) { return each(a, b, [](T p, T q) { return T(p * q); }); }
  friend Vector operator/(Vector a, const Vector& b) { return each(a, b, [](T p, T q) { return T(p / q); }); }
  friend Vector larger(Vector a, const Vector& b) { return each(a, b, [](T p, T q) { return p > q ? p : q; }); }
  friend Vector smaller(Vector a, const Vector& b) { return each(a, b, [](T p, T q) { return p < q ? p : q; }); }

 private:
  template <class F>
  static Vector each(Vector a, const Vector& b, F f) {
    for (int l = 0; l < LANES<T>; ++l) a.lane[l] = f(a.lane[l], b.lane[l]);
    return a;
  }
};
template <class T>
ACTIVA_INLINE Vector<T> splat(T value) {
  Vector<T> v;
  for (int l = 0; l < LANES<T>; ++l) v[l] = value;
  return v;
}
template <class T>
ACTIVA_INLINE Vector<T> magnitude(Vector<T> v) {
  for (int l = 0; l < LANES<T>; ++l) v[l] = v[l] < 0 ? -v[l] : v[l];
  return v;
}
template <class T>
ACTIVA_INLINE Vector<T> where_negative(const Vector<T>& x, Vector<T> then, const Vector<T>& other) {
  for (int l = 0; l < LANES<T>; ++l) then[l] = x[l] < 0 ? then[l] : other[l];
  return then;
}

#endif

template <class T>
ACTIVA_INLINE Vector<T> load(const T* p) {
  Vector<T> v;
  memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
ACTIVA_INLINE void store(T* p, Vector<T> v) {
  memcpy(p, &v, sizeof v);
}

ACTIVA_INLINE float float_of(Bfloat16 value) {
  const uint32_t bits = uint32_t(value.bits) << 16;
  float out;
  memcpy(&out, &bits, sizeof out);
  return out;
}

ACTIVA_INLINE Bfloat16 rounded(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return {uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

// LANES<float> values of type Bfloat16 as floats, and back
ACTIVA_INLINE Vector<float> load(const Bfloat16* p) {
#if defined(__AVX512F__)
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return (Vector<float>)_mm512_slli_epi32(wide, 16);
#elif defined(ACTIVA_BUILT_IN_VECTORS)
  HalfVector half;
  memcpy(&half, p, sizeof half);
  return (Vector<float>)(__builtin_convertvector(half, Vector<uint32_t>) << 16);
#else
  Vector<float> v;
  for (int l = 0; l < LANES<float>; ++l) v[l] = float_of(p[l]);
  return v;
#endif
}

ACTIVA_INLINE void store(Bfloat16* p, Vector<float> v) {
#if defined(__AVX512BF16__)
  const __m256bh half = _mm512_cvtneps_pbh((__m512)v);
  memcpy(p, &half, sizeof half);
#elif defined(ACTIVA_BUILT_IN_VECTORS)
  const Vector<uint32_t> bits = (Vector<uint32_t>)v;
  const HalfVector half =
      __builtin_convertvector((bits + 0x7fff + (bits >> 16 & 1)) >> 16, HalfVector);
  memcpy(p, &half, sizeof half);
#else
  for (int l = 0; l < LANES<float>; ++l) p[l] = rounded(v[l]);
#endif
}

// Two vectors side by side.
template <class T>
struct Two {
  Vector<T> first, second;
};

template <class T, class M>
ACTIVA_INLINE Two<T> load_two(const M* p) {
#ifdef __AVX512BW__
  if constexpr (sizeof(M) == 2) {  // number l becomes the upper half of lane l
    const Vector<uint32_t> lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const __m512i numbers = _mm512_loadu_si512(p), low = (__m512i)(lane << 16);
    const __m512i high = (__m512i)((lane + 16) << 16);
    return {(Vector<float>)_mm512_maskz_permutexvar_epi16(0xaaaaaaaa, low, numbers),
            (Vector<float>)_mm512_maskz_permutexvar_epi16(0xaaaaaaaa, high, numbers)};
  }
#endif
  return {load(p), load(p + LANES<T>)};
}

template <class T, class M>
ACTIVA_INLINE void store_two(M* p, const Two<T>& v) {
#ifdef __AVX512BF16__
  if constexpr (sizeof(M) == 2) {
    const __m512bh both = _mm512_cvtne2ps_pbh((__m512)v.second, (__m512)v.first);
    memcpy(p, &both, sizeof both);
    return;
  }
#endif
  store(p, v.first);
  store(p + LANES<T>, v.second);
}

// The first `count` lanes, where that is less than all; the others are zero, or not written.
template <class T>
ACTIVA_INLINE Vector<T> load_some(const T* p, int64_t count) {
  T lanes[LANES<T>] = {};
  for (int64_t l = 0; l < count; ++l) lanes[l] = p[l];
  return load(lanes);
}

template <class T>
ACTIVA_INLINE void store_some(T* p, int64_t count, Vector<T> v) {
  T lanes[LANES<T>];
  memcpy(lanes, &v, sizeof v);
  for (int64_t l = 0; l < count; ++l) p[l] = lanes[l];
}

// The sum and the largest of the lanes.
#ifdef __AVX512F__
ACTIVA_INLINE float total(Vector<float> v) { return _mm512_reduce_add_ps((__m512)v); }
ACTIVA_INLINE double total(Vector<double> v) { return _mm512_reduce_add_pd((__m512d)v); }
ACTIVA_INLINE float largest(Vector<float> v) { return _mm512_reduce_max_ps((__m512)v); }
ACTIVA_INLINE double largest(Vector<double> v) { return _mm512_reduce_max_pd((__m512d)v); }
#else
template <class T, class F>
ACTIVA_INLINE T folded(Vector<T> v, F f) {
  T lanes[LANES<T>];
  memcpy(lanes, &v, sizeof v);
  for (int half = LANES<T> / 2; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) lanes[l] = f(lanes[l], lanes[l + half]);
  return lanes[0];
}
template <class T>
ACTIVA_INLINE T sum_of(T a, T b) {
  return a + b;
}
template <class T>
ACTIVA_INLINE T larger_of(T a, T b) {
  return a > b ? a : b;
}
ACTIVA_INLINE float total(Vector<float> v) { return folded<float>(v, sum_of<float>); }
ACTIVA_INLINE double total(Vector<double> v) { return folded<double>(v, sum_of<double>); }
ACTIVA_INLINE float largest(Vector<float> v) { return folded<float>(v, larger_of<float>); }
ACTIVA_INLINE double largest(Vector<double> v) { return folded<double>(v, larger_of<double>); }
#endif

ACTIVA_INLINE Vector<double> exponential(Vector<double> x) {
  double lanes[LANES<double>];
  memcpy(lanes, &x, sizeof x);
  for (double& value : lanes) value = exp(value);
  return load(lanes);
}

// Relative error 2e-7 for x in [-87, 0]; below that 1e-38, above 88 not defined. A NaN stays.
ACTIVA_INLINE Vector<float> exponential(Vector<float> x) {
#ifdef ACTIVA_BUILT_IN_VECTORS
  x = x < splat(-87.0f) ? splat(-87.0f) : x;
  const Vector<float> magic = splat(12582912.0f);  // 1.5 * 2^23: its last bits count units
  const Vector<float> shifted = x * splat(1.44269504f) + magic, n = shifted - magic;
  Vector<float> r = x - n * splat(0.693145752f);  // log 2 in two parts
  r = r - n * splat(1.42860677e-6f);
  Vector<float> p = splat(1.9875691500e-4f);
  p = p * r + splat(1.3981999507e-3f);
  p = p * r + splat(8.3334519073e-3f);
  p = p * r + splat(4.1665795894e-2f);
  p = p * r + splat(1.6666665459e-1f);
  p = p * r + splat(5.0000001201e-1f);
  p = p * (r * r) + r + splat(1.0f);
  return float_of(bits_of(p) + (bits_of(shifted) << 23));  // p * 2^n
#else
  for (int l = 0; l < LANES<float>; ++l) x[l] = expf(x[l] < -87.0f ? -87.0f : x[l]);
  return x;
#endif
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
