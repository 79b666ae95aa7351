// Rows of numbers to columns, in registers.
#pragma once

#include <utility>

#include "vector.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// a[FROM], b[FROM], a[FROM + 1], b[FROM + 1], ...
template <class T, int FROM, int... L>
ACTIVA_INLINE Vector<T> interleaved(Vector<T> a, Vector<T> b, std::integer_sequence<int, L...>) {
#if defined(ACTIVA_BUILT_IN_VECTORS) && (defined(__clang__) || __GNUC__ >= 12)
  return __builtin_shufflevector(a, b, (FROM + L / 2 + L % 2 * LANES<T>)...);
#else
  Vector<T> v;
  for (int l = 0; l < LANES<T>; l += 2) {
    v[l] = a[FROM + l / 2];
    v[l + 1] = b[FROM + l / 2];
  }
  return v;
#endif
}

template <class T>
ACTIVA_INLINE Vector<T> interleaved_low(Vector<T> a, Vector<T> b) {
  return interleaved<T, 0>(a, b, std::make_integer_sequence<int, LANES<T>>{});
}
template <class T>
ACTIVA_INLINE Vector<T> interleaved_high(Vector<T> a, Vector<T> b) {
  return interleaved<T, LANES<T> / 2>(a, b, std::make_integer_sequence<int, LANES<T>>{});
}

// Read the bits of a vector's number in `rows`, then those of a lane's in it, as one word: it turns to
// the left by `bits`.
template <class T, int N>
ACTIVA_INLINE void turn(Vector<T> (&rows)[N], int bits) {
  ACTIVA_UNROLL
  for (int bit = 0; bit < bits; ++bit) {
    Vector<T> next[N];
    ACTIVA_UNROLL
    for (int i = 0; i < N / 2; ++i) {
      next[2 * i] = interleaved_low<T>(rows[i], rows[i + N / 2]);
      next[2 * i + 1] = interleaved_high<T>(rows[i], rows[i + N / 2]);
    }
    ACTIVA_UNROLL
    for (int i = 0; i < N; ++i) rows[i] = next[i];
  }
}

[[maybe_unused]] constexpr int log2_of(int number) { return number > 1 ? 1 + log2_of(number / 2) : 0; }

template <class T>
ACTIVA_INLINE void transpose(Vector<T> (&rows)[LANES<T>]) {
  turn<T>(rows, log2_of(LANES<T>));
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
