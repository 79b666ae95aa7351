// Rows of a tile times a packed panel of weights: the inner loop of the block.
//
// The sums of six rows and a part of the panel's columns stay in registers while k runs, so that a
// vector of the panel is loaded once for all six.
#include "multiply.hpp"

namespace activa::ACTIVA_ISA {
namespace {

template <int R, class T, class M, class S>
void rows_times_panel(const M* a, int64_t a_stride, const Packed<M>* panel, int64_t K, const T* bias,
                      bool accumulate, S* c, int64_t c_stride) {
  for (int64_t column = 0; column < PANEL; column += VECTORS * LANES<T>) {
    Vector<T> sum[R][VECTORS];
    ACTIVA_UNROLL
    for (int v = 0; v < VECTORS; ++v) {
      const Vector<T> start = bias ? load(bias + column + v * LANES<T>) : splat(T(0));
      ACTIVA_UNROLL
      for (int r = 0; r < R; ++r) sum[r][v] = start;
    }
    const Packed<M>* b = panel + column * WORD<M>;
    for (int64_t k = 0; k < K; k += WORD<M>, b += PANEL * WORD<M>) {
      decltype(load_words(b)) row[VECTORS];
      ACTIVA_UNROLL
      for (int v = 0; v < VECTORS; ++v) row[v] = load_words(b + v * LANES<T> * WORD<M>);
      ACTIVA_UNROLL
      for (int r = 0; r < R; ++r) {
        const auto x = spread(a + r * a_stride + k);
        ACTIVA_UNROLL
        for (int v = 0; v < VECTORS; ++v) multiply_add(sum[r][v], x, row[v]);
      }
    }
    ACTIVA_UNROLL
    for (int r = 0; r < R; ++r) {
      ACTIVA_UNROLL
      for (int v = 0; v < VECTORS; v += 2) {
        S* out = c + r * c_stride + column + v * LANES<T>;
        Two<T> pair{sum[r][v], sum[r][v + 1]};
        if (accumulate) pair = {load(out) + pair.first, load(out + LANES<T>) + pair.second};
        store_two<T>(out, pair);
      }
    }
  }
}

}  // namespace

template <class T, class M, class S>
void product(const M* a, int64_t a_stride, int64_t rows, const Packed<M>* panel, int64_t K,
             const T* bias, bool accumulate, S* c, int64_t c_stride) {
  const auto next = [&](auto* times, int64_t count) {
    times(a, a_stride, panel, K, bias, accumulate, c, c_stride);
    a += count * a_stride;
    c += count * c_stride;
    rows -= count;
  };
  while (rows >= ROWS) next(rows_times_panel<ROWS, T, M, S>, ROWS);
  if (rows >= 4) next(rows_times_panel<4, T, M, S>, 4);
  if (rows >= 2) next(rows_times_panel<2, T, M, S>, 2);
  if (rows >= 1) next(rows_times_panel<1, T, M, S>, 1);
}

#define ACTIVA_INSTANTIATE(T, M, S)                                                                \
  template void product<T, M, S>(const M*, int64_t, int64_t, const Packed<M>*, int64_t, const T*,  \
                                 bool, S*, int64_t);
ACTIVA_INSTANTIATE(float, float, float)
ACTIVA_INSTANTIATE(double, double, double)
ACTIVA_INSTANTIATE(float, Bfloat16, float)
ACTIVA_INSTANTIATE(float, Bfloat16, Bfloat16)

}  // namespace activa::ACTIVA_ISA
