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

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#ifdef __GNUC__
#define ACTIVA_INLINE [[maybe_unused]] static inline __attribute__((always_inline))
#else
#define ACTIVA_INLINE [[maybe_unused]] static inline
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
constexpr int64_t LANES = VECTOR_BYTES / int64_t(sizeof(T));

#ifdef __GNUC__
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
template <class T>
using Vector = typename VectorOf<T>::type;

template <class T>
ACTIVA_INLINE Vector<T> splat(T value) {
  return value - Vector<T>{};  // not a sum: that would turn -0 into 0
}
#else
template <class T>
struct Vector {
  T lane[LANES<T>];
  T& operator[](int64_t l) { return lane[l]; }
  T operator[](int64_t l) const { return lane[l]; }
  Vector& operator+=(const Vector& b) { return *this = *this + b; }
  friend Vector operator+(Vector a, const Vector& b) { return each(a, b, [](T p, T q) { return T(p + q); }); }
  friend Vector operator-(Vector a, const Vector& b) { return each(a, b, [](T p, T q) { return T(p - q); }); }
  friend Vector operator*(Vector a, const Vector& b) { return each(a, b, [](T p, T q) { return T(p * q); }); }

 private:
  template <class F>
  static Vector each(Vector a, const Vector& b, F f) {
    for (int64_t l = 0; l < LANES<T>; ++l) a.lane[l] = f(a.lane[l], b.lane[l]);
    return a;
  }
};
template <class T>
ACTIVA_INLINE Vector<T> splat(T value) {
  Vector<T> v;
  for (int64_t l = 0; l < LANES<T>; ++l) v[l] = value;
  return v;
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

// Lane by lane: then where a < b, else other.
#ifdef __GNUC__
ACTIVA_INLINE Vector<float> where_less(Vector<float> a, Vector<float> b, Vector<float> then,
                                       Vector<float> other) {
  return a < b ? then : other;
}
ACTIVA_INLINE Vector<double> where_less(Vector<double> a, Vector<double> b, Vector<double> then,
                                        Vector<double> other) {
  return a < b ? then : other;
}
#else
template <class V>
ACTIVA_INLINE V where_less(const V& a, const V& b, const V& then, V other) {
  for (int64_t l = 0; l < int64_t(sizeof(V) / sizeof(a[0])); ++l) other[l] = a[l] < b[l] ? then[l] : other[l];
  return other;
}
#endif

// The lesser and the greater of each lane, neither of which is NaN.
#if defined(__AVX512F__)
ACTIVA_INLINE Vector<double> smaller(Vector<double> a, Vector<double> b) {
  return (Vector<double>)_mm512_min_pd((__m512d)a, (__m512d)b);
}
ACTIVA_INLINE Vector<float> smaller(Vector<float> a, Vector<float> b) {
  return (Vector<float>)_mm512_min_ps((__m512)a, (__m512)b);
}
ACTIVA_INLINE Vector<double> larger(Vector<double> a, Vector<double> b) {
  return (Vector<double>)_mm512_max_pd((__m512d)a, (__m512d)b);
}
#elif defined(__AVX2__)
ACTIVA_INLINE Vector<double> smaller(Vector<double> a, Vector<double> b) {
  return (Vector<double>)_mm256_min_pd((__m256d)a, (__m256d)b);
}
ACTIVA_INLINE Vector<float> smaller(Vector<float> a, Vector<float> b) {
  return (Vector<float>)_mm256_min_ps((__m256)a, (__m256)b);
}
ACTIVA_INLINE Vector<double> larger(Vector<double> a, Vector<double> b) {
  return (Vector<double>)_mm256_max_pd((__m256d)a, (__m256d)b);
}
#else
ACTIVA_INLINE Vector<double> smaller(Vector<double> a, Vector<double> b) { return where_less(a, b, a, b); }
ACTIVA_INLINE Vector<float> smaller(Vector<float> a, Vector<float> b) { return where_less(a, b, a, b); }
ACTIVA_INLINE Vector<double> larger(Vector<double> a, Vector<double> b) { return where_less(a, b, b, a); }
#endif

#if defined(__AVX512F__)
ACTIVA_INLINE Vector<float> root(Vector<float> v) { return (Vector<float>)_mm512_sqrt_ps((__m512)v); }
ACTIVA_INLINE Vector<double> root(Vector<double> v) { return (Vector<double>)_mm512_sqrt_pd((__m512d)v); }
#elif defined(__AVX2__)
ACTIVA_INLINE Vector<float> root(Vector<float> v) { return (Vector<float>)_mm256_sqrt_ps((__m256)v); }
ACTIVA_INLINE Vector<double> root(Vector<double> v) { return (Vector<double>)_mm256_sqrt_pd((__m256d)v); }
#else
ACTIVA_INLINE Vector<float> root(Vector<float> v) {
  for (int64_t l = 0; l < LANES<float>; ++l) v[l] = sqrtf(v[l]);
  return v;
}
ACTIVA_INLINE Vector<double> root(Vector<double> v) {
  for (int64_t l = 0; l < LANES<double>; ++l) v[l] = sqrt(v[l]);
  return v;
}
#endif

// The lanes of one vector as doubles: of floats it takes two vectors.
template <class T>
struct Wide {
  static constexpr int PARTS = sizeof(double) / sizeof(T);
  Vector<double> part[PARTS];
};

ACTIVA_INLINE Wide<double> widened(Vector<double> v) { return {{v}}; }
ACTIVA_INLINE Wide<float> widened(Vector<float> v) {
#if defined(__AVX512F__)
  return {{(Vector<double>)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v)),
           (Vector<double>)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)v, 1))}};
#elif defined(__AVX2__)
  return {{(Vector<double>)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v)),
           (Vector<double>)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1))}};
#else
  Wide<float> out;
  for (int64_t l = 0; l < LANES<float>; ++l) out.part[l / LANES<double>][l % LANES<double>] = v[l];
  return out;
#endif
}

template <class T>
ACTIVA_INLINE Wide<T> nothing() {
  Wide<T> out;
  for (Vector<double>& part : out.part) part = splat(0.0);
  return out;
}

template <class T>
ACTIVA_INLINE double total(const Wide<T>& v) {
  double lanes[LANES<double>];
  Vector<double> sum = v.part[0];
  for (int i = 1; i < Wide<T>::PARTS; ++i) sum += v.part[i];
  memcpy(lanes, &sum, sizeof lanes);
  for (int64_t half = LANES<double> / 2; half > 0; half /= 2)
    for (int64_t l = 0; l < half; ++l) lanes[l] += lanes[l + half];
  return lanes[0];
}

// exp(x) for x <= 0, relative error 2e-7; below -87 it is 1e-38 at most.
ACTIVA_INLINE Vector<float> exponential(Vector<float> x) {
#ifdef __GNUC__
  typedef int32_t Bits __attribute__((vector_size(VECTOR_BYTES)));
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
  return (Vector<float>)((Bits)p + ((Bits)shifted << 23));  // p * 2^n
#else
  for (int64_t l = 0; l < LANES<float>; ++l) x[l] = expf(x[l]);
  return x;
#endif
}

// The same in doubles, to 3e-16; below -708 it is 1e-307 at most.
ACTIVA_INLINE Vector<double> exponential(Vector<double> x) {
#ifdef __GNUC__
  typedef int64_t Bits __attribute__((vector_size(VECTOR_BYTES)));
  x = x < splat(-708.0) ? splat(-708.0) : x;
  const Vector<double> magic = splat(6755399441055744.0);  // 1.5 * 2^52
  const Vector<double> shifted = x * splat(1.4426950408889634074) + magic, n = shifted - magic;
  Vector<double> r = x - n * splat(0.69314718036912381649);
  r = r - n * splat(1.9082149292705877e-10);
  Vector<double> p = splat(1.6059043836821614599e-10);  // Taylor to r^13, |r| <= log(2) / 2
  p = p * r + splat(2.0876756987868098979e-9);
  p = p * r + splat(2.5052108385441718775e-8);
  p = p * r + splat(2.7557319223985890653e-7);
  p = p * r + splat(2.7557319223985890653e-6);
  p = p * r + splat(2.4801587301587301587e-5);
  p = p * r + splat(1.9841269841269841270e-4);
  p = p * r + splat(1.3888888888888888889e-3);
  p = p * r + splat(8.3333333333333333333e-3);
  p = p * r + splat(4.1666666666666666667e-2);
  p = p * r + splat(1.6666666666666666667e-1);
  p = p * r + splat(0.5);
  p = p * (r * r) + r + splat(1.0);
  return (Vector<double>)((Bits)p + ((Bits)shifted << 52));
#else
  for (int64_t l = 0; l < LANES<double>; ++l) x[l] = exp(x[l]);
  return x;
#endif
}

// Rows [first, first + count) of (n, d) as columns of `width`, zero beyond them: (d, width).
template <class T>
ACTIVA_INLINE void transpose(const T* rows, int64_t first, int64_t count, int64_t d, int64_t width,
                             T* out) {
  for (int64_t k = 0; k < d; ++k) {
    for (int64_t j = 0; j < count; ++j) out[k * width + j] = rows[(first + j) * d + k];
    for (int64_t j = count; j < width; ++j) out[k * width + j] = 0;
  }
}

// Squared distances of R rows to the LANES<T> columns that start at `columns`.
template <int R, class T>
ACTIVA_INLINE void squares(const T* const* rows, const T* columns, int64_t width, int64_t d,
                           Vector<T>* out) {
  for (int r = 0; r < R; ++r) out[r] = splat(T(0));
  for (int64_t k = 0; k < d; ++k) {
    const Vector<T> column = load(columns + k * width);
    for (int r = 0; r < R; ++r) {
      const Vector<T> delta = splat(rows[r][k]) - column;
      out[r] = delta * delta + out[r];
    }
  }
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
