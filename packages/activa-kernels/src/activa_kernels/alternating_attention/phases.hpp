// What the units of one instruction set call of each other; cpu.cpp knows only what cpu.hpp declares.
#pragma once

#include "cpu.hpp"
#include "stopwatch.hpp"

namespace activa::ACTIVA_ISA {

// How products read a number of type M: as it is, or as a float where the set cannot multiply
// Bfloat16. Where it can, two rows lie interleaved, (rows / 2, 64, 2), as its instruction wants them.
template <class M>
struct PackedOf {
  using type = M;
};
#ifndef __AVX512BF16__
template <>
struct PackedOf<Bfloat16> {
  using type = float;
};
#endif
template <class M>
using Packed = typename PackedOf<M>::type;

// Parts of a piece of memory, aligned to 64 bytes; of none (null) it only counts what they would take.
namespace {
struct Arena {
  char* memory;
  int64_t used = 0;

  template <class P>
  P* take(int64_t count) {
    char* at = memory ? memory + used : nullptr;
    used += (count * int64_t(sizeof(P)) + 63) / 64 * 64;
    return reinterpret_cast<P*>(at);
  }
};
}  // namespace

// product.cpp. c (rows, 64) = bias + a (rows, K) panel (K, 64), or c += that; K is even, no bias null.
template <class T, class M, class S>
void product(const M* a, int64_t a_stride, int64_t rows, const Packed<M>* panel, int64_t K,
             const T* bias, bool accumulate, S* c, int64_t c_stride);

// outer_product.cpp. A matrix of whole panels as outer products read it: as it lies where they can,
// else a copy, for which `copy` has rows * width numbers, rows rounded up to even.
template <class M>
struct Columns {
  const Packed<M>* data;
  int64_t stride, panel, width;  // from row to row, from panel to panel, numbers in a row
};
template <class M>
Columns<M> columns(const M* a, int64_t width, int64_t rows, Packed<M>* copy);

// c (a.width / 64, b.width / 64, 64, 64) += a' b, summed over the rows
template <class T, class M>
void outer_product(const Columns<M>& a, const Columns<M>& b, int64_t rows, T* c);

// layer_norm.cpp. The moments of the rows tokens[r] of x (..., e).
template <class T>
void moments_of(const T* x, const int64_t* tokens, int64_t rows, int64_t e, Moments<T>* out);

// Row r of out (rows, padded(e)) is the normalised row tokens[r] of x.
template <class T, class M>
void layer_norm(const T* x, const int64_t* tokens, int64_t rows, int64_t e, const Moments<T>* moments,
                const T* weight, const T* bias, M* out);

// out[tokens] = residual[tokens] + the gradient of x; residual and out may be one. The gradients of
// weight and bias are added to.
template <class T>
void layer_norm_backward(const T* x, const int64_t* tokens, int64_t rows, int64_t e,
                         const Moments<T>* moments, const T* weight, const T* grad, const T* residual,
                         T* out, T* grad_weight, T* grad_bias);

// gelu.cpp, count and columns of whole panels.
template <class T, class M>
void gelu(const M* hidden, int64_t count, M* out);

// out = gelu(hidden); grad_hidden (rows, 64) is grad, that of out, times the slope; its column sums
// are added to grad_bias
template <class T, class M>
void gelu_backward(const M* hidden, const T* grad, int64_t rows, M* out, M* grad_hidden, T* grad_bias);

// rows.cpp: between x and the rows of a tile, which are padded(e) wide.
template <class T>
void take_rows(const T* x, const int64_t* tokens, int64_t rows, int64_t e, T* out);

// out[tokens] = residual[tokens] + values
template <class T>
void add_rows(const T* values, const T* residual, const int64_t* tokens, int64_t rows, int64_t e, T* out);

template <class T, class M>
void round_numbers(const T* values, int64_t count, M* out);  // the same numbers where M is T

template <class T, class M>
void add_column_sums(const M* values, int64_t rows, int64_t width, T* sums);  // width of whole panels

}  // namespace activa::ACTIVA_ISA
