// Products of small matrices that lie in the cache, for attention: as product.cpp, with free strides.
#pragma once

#include "multiply.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// Rows of words that are spread over a vector, one at a time: word k of row r is r * row + k * word
// numbers on.
template <class P>
struct Spread {
  const P* at;
  int64_t row, word;
};

// Rows of words that are read as vectors, word k of all columns `row` numbers after the one before.
template <class P>
struct Panel {
  const P* at;
  int64_t row;
};

template <class T>
struct Sums {
  T* at;
  int64_t row;
  bool accumulate;
};

template <int R, int V, class T, class P>
ACTIVA_INLINE void strip_part(const Spread<P>& a, const Panel<P>& b, int64_t words, const Sums<T>& c,
                              int64_t r, int64_t column) {
  Vector<T> sum[R][V];
  ACTIVA_UNROLL
  for (int i = 0; i < R; ++i) {
    ACTIVA_UNROLL
    for (int v = 0; v < V; ++v)
      sum[i][v] = c.accumulate ? load(c.at + (r + i) * c.row + column + v * LANES<T>) : splat(T(0));
  }
  const P *p = a.at + r * a.row, *q = b.at + column * WORD<P>;
  for (int64_t k = 0; k < words; ++k, p += a.word, q += b.row) {
    decltype(load_words(q)) y[V];
    ACTIVA_UNROLL
    for (int v = 0; v < V; ++v) y[v] = load_words(q + v * LANES<T> * WORD<P>);
    ACTIVA_UNROLL
    for (int i = 0; i < R; ++i) {
      const auto x = spread(p + i * a.row);
      ACTIVA_UNROLL
      for (int v = 0; v < V; ++v) multiply_add(sum[i][v], x, y[v]);
    }
  }
  ACTIVA_UNROLL
  for (int i = 0; i < R; ++i) {
    ACTIVA_UNROLL
    for (int v = 0; v < V; ++v) store(c.at + (r + i) * c.row + column + v * LANES<T>, sum[i][v]);
  }
}

template <int V, class T, class P>
void strip(const Spread<P>& a, const Panel<P>& b, int64_t words, int64_t rows, const Sums<T>& c,
           int64_t column) {
  int64_t r = 0;
  for (; r + ROWS <= rows; r += ROWS) strip_part<ROWS, V>(a, b, words, c, r, column);
  if (rows - r >= 4) strip_part<4, V>(a, b, words, c, r, column), r += 4;
  if (rows - r >= 2) strip_part<2, V>(a, b, words, c, r, column), r += 2;
  if (rows - r >= 1) strip_part<1, V>(a, b, words, c, r, column);
}

// c (rows, columns) (+)= a b, columns of whole vectors
template <class T, class P>
void strips(const Spread<P>& a, const Panel<P>& b, int64_t words, int64_t rows, int64_t columns,
            const Sums<T>& c) {
  for (int64_t column = 0; column < columns; column += VECTORS * LANES<T>) {
    const int64_t vectors = (columns - column) / LANES<T>;
    if (vectors >= VECTORS)
      strip<VECTORS>(a, b, words, rows, c, column);
    else if (VECTORS == 4 && vectors == 3)
      strip<3>(a, b, words, rows, c, column);
    else if (VECTORS == 4 && vectors == 2)
      strip<2>(a, b, words, rows, c, column);
    else
      strip<1>(a, b, words, rows, c, column);
  }
}

// Rows of whole words: two Bfloat16 of a column become a word, where words are two; else both are
// copied, `row` numbers apart. A missing second row is zeros.
template <class T, class P>
ACTIVA_INLINE void pair_rows(const P* first, const P* second, int64_t row, P* to) {
#ifdef __AVX512BF16__
  if constexpr (WORD<P> == 2) {
    const Vector<uint32_t> lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const __m512i low = (__m512i)(lane | (lane + 32) << 16), high = (__m512i)((lane + 16) | (lane + 48) << 16);
    for (int64_t c = 0; c < row; c += 32) {
      const __m512i a = _mm512_loadu_si512(first + c);
      const __m512i b = second ? _mm512_loadu_si512(second + c) : _mm512_setzero_si512();
      _mm512_storeu_si512(to + 2 * c, _mm512_permutex2var_epi16(a, low, b));
      _mm512_storeu_si512(to + 2 * c + 32, _mm512_permutex2var_epi16(a, high, b));
    }
    return;
  }
#endif
  for (int64_t c = 0; c < row; c += LANES<T>) {
    store(to + c, load(first + c));
    store(to + row + c, second ? load(second + c) : splat(T(0)));
  }
}

// Two neighbouring rows of numbers, `row` apart; and as one row of words, where these are two numbers.
// Of numbers that are words both are one.
template <class T, class P>
ACTIVA_INLINE void store_rows(Vector<T> first, Vector<T> second, int64_t row, P* rows, P* pairs) {
#ifdef __AVX512BF16__
  if constexpr (WORD<P> == 2) {
    const Vector<uint32_t> lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
    if (rows) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows), _mm512_castsi512_si256(both));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows + row), _mm512_extracti64x4_epi64(both, 1));
    }
    if (pairs)
      _mm512_storeu_si512(pairs, _mm512_permutexvar_epi16((__m512i)(lane | (lane + 16) << 16), both));
    return;
  }
#endif
  P* to = rows ? rows : pairs;
  store(to, first);
  store(to + row, second);
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
