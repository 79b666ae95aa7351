// Weight gradients: the sum over a tile's rows of the outer products of two rows.
//
// Both operands are read as they lie, a row at a time; the sums of a 6 by 64 part stay in registers
// for all rows of the tile, so that the gradient itself is read and written once.
#include "multiply.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// R rows of c (., 64) += a' b
template <int R, class T, class M>
void strip(const Packed<M>* a, int64_t a_stride, const Packed<M>* b, int64_t b_stride, int64_t words,
           T* c) {
  for (int64_t column = 0; column < PANEL; column += VECTORS * LANES<T>) {
    Vector<T> sum[R][VECTORS];
    ACTIVA_UNROLL
    for (int r = 0; r < R; ++r) {
      ACTIVA_UNROLL
      for (int v = 0; v < VECTORS; ++v) sum[r][v] = splat(T(0));
    }
    const Packed<M>*p = a, *q = b + column * WORD<M>;
    for (int64_t k = 0; k < words; ++k, p += a_stride, q += b_stride) {
      decltype(load_words(q)) row[VECTORS];
      ACTIVA_UNROLL
      for (int v = 0; v < VECTORS; ++v) row[v] = load_words(q + v * LANES<T> * WORD<M>);
      ACTIVA_UNROLL
      for (int r = 0; r < R; ++r) {
        const auto x = spread(p + r * WORD<M>);
        ACTIVA_UNROLL
        for (int v = 0; v < VECTORS; ++v) multiply_add(sum[r][v], x, row[v]);
      }
    }
    ACTIVA_UNROLL
    for (int r = 0; r < R; ++r) {
      ACTIVA_UNROLL
      for (int v = 0; v < VECTORS; ++v) {
        T* out = c + r * PANEL + column + v * LANES<T>;
        store(out, load(out) + sum[r][v]);
      }
    }
  }
}

}  // namespace

template <class T, class M>
void outer_product(const Columns<M>& a, const Columns<M>& b, int64_t rows, T* c) {
  static_assert(PANEL % ROWS == 4);
  const int64_t words = (rows + WORD<M> - 1) / WORD<M>;
  for (int64_t i = 0; i < a.width; i += PANEL)
    for (int64_t j = 0; j < b.width; j += PANEL, c += PANEL * PANEL) {
      const Packed<M>*p = a.data + i / PANEL * a.panel, *q = b.data + j / PANEL * b.panel;
      int64_t r = 0;
      for (; r + ROWS <= PANEL; r += ROWS)
        strip<ROWS, T, M>(p + r * WORD<M>, a.stride, q, b.stride, words, c + r * PANEL);
      strip<4, T, M>(p + r * WORD<M>, a.stride, q, b.stride, words, c + r * PANEL);
    }
}

template <class M>
Columns<M> columns(const M* a, int64_t width, int64_t, Packed<M>*) {
  return {a, width, PANEL, width};
}

#ifdef __AVX512BF16__

template <>
Columns<Bfloat16> columns(const Bfloat16* a, int64_t width, int64_t rows, Bfloat16* copy) {
  alignas(64) static const uint16_t low[32] = {0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,
                                               37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42,
                                               11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  const __m512i from_low = _mm512_load_si512(low);
  const __m512i from_high = _mm512_add_epi16(from_low, _mm512_set1_epi16(16));
  const int64_t panel = (rows + 1) / 2 * 2 * PANEL;
  for (int64_t r = 0; r < rows; r += 2, a += 2 * width)
    for (int64_t c = 0; c < width; c += 32) {
      const __m512i even = _mm512_loadu_si512(a + c);
      const __m512i odd = r + 1 < rows ? _mm512_loadu_si512(a + width + c) : _mm512_setzero_si512();
      Bfloat16* out = copy + c / PANEL * panel + r * PANEL + c % PANEL * 2;
      _mm512_storeu_si512(out, _mm512_permutex2var_epi16(even, from_low, odd));
      _mm512_storeu_si512(out + 32, _mm512_permutex2var_epi16(even, from_high, odd));
    }
  return {copy, 2 * PANEL, panel, width};
}

#else

template <>
Columns<Bfloat16> columns(const Bfloat16* a, int64_t width, int64_t rows, float* copy) {
  for (int64_t i = 0; i < rows * width; i += LANES<float>) store(copy + i, load(a + i));
  return {copy, width, PANEL, width};
}

#endif

template Columns<float> columns(const float*, int64_t, int64_t, float*);
template Columns<double> columns(const double*, int64_t, int64_t, double*);
template void outer_product<float, float>(const Columns<float>&, const Columns<float>&, int64_t, float*);
template void outer_product<double, double>(const Columns<double>&, const Columns<double>&, int64_t,
                                            double*);
template void outer_product<float, Bfloat16>(const Columns<Bfloat16>&, const Columns<Bfloat16>&,
                                             int64_t, float*);

}  // namespace activa::ACTIVA_ISA
