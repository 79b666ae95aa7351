// Attention of short sequences: a vector holds one number of each of up to LANES sequences.
//
// Rows are transposed on the way in and out; between, a sequence is a matrix of vectors.
#pragma once

#include <type_traits>

#include "sequences.hpp"
#include "words.hpp"

namespace activa::ACTIVA_ISA {
namespace {

template <class T>
struct Matrix {  // of vectors
  T* at;
  int64_t row, column;  // vectors from row to row and from column to column

  static Matrix whole(T* at, int64_t columns) { return {at, columns, 1}; }
  Matrix transposed() const { return {at, column, row}; }
  T* operator()(int64_t r, int64_t c) const { return at + (r * row + c * column) * LANES<T>; }
};

template <int R, int C, class T>
ACTIVA_INLINE void product_part(Matrix<T> a, Matrix<T> b, int64_t r, int64_t c, int64_t inner,
                                Matrix<T> out) {
  Vector<T> sum[R][C];
  ACTIVA_UNROLL
  for (int i = 0; i < R; ++i) {
    ACTIVA_UNROLL
    for (int j = 0; j < C; ++j) sum[i][j] = splat(T(0));
  }
  const T *p = a(r, 0), *q = b(0, c);
  for (int64_t k = 0; k < inner; ++k, p += a.column * LANES<T>, q += b.row * LANES<T>) {
    Vector<T> y[C];
    ACTIVA_UNROLL
    for (int j = 0; j < C; ++j) y[j] = load(q + j * b.column * LANES<T>);
    ACTIVA_UNROLL
    for (int i = 0; i < R; ++i) {
      const Vector<T> x = load(p + i * a.row * LANES<T>);
      ACTIVA_UNROLL
      for (int j = 0; j < C; ++j) sum[i][j] += x * y[j];
    }
  }
  ACTIVA_UNROLL
  for (int i = 0; i < R; ++i) {
    ACTIVA_UNROLL
    for (int j = 0; j < C; ++j) store(out(r + i, c + j), sum[i][j]);
  }
}

template <int R, class T>
void product_rows(Matrix<T> a, Matrix<T> b, int64_t r, int64_t columns, int64_t inner, Matrix<T> out) {
  int64_t c = 0;
  for (; c + 4 <= columns; c += 4) product_part<R, 4>(a, b, r, c, inner, out);
  if (columns - c >= 2) product_part<R, 2>(a, b, r, c, inner, out), c += 2;
  if (columns - c >= 1) product_part<R, 1>(a, b, r, c, inner, out);
}

// out (rows, columns) = a (rows, inner) b (inner, columns)
template <class T>
void product(Matrix<T> a, Matrix<T> b, int64_t rows, int64_t columns, int64_t inner, Matrix<T> out) {
  constexpr int MOST = VECTOR_BYTES == 64 ? 4 : 2;  // registers hold the sums
  int64_t r = 0;
  for (; r + MOST <= rows; r += MOST) product_rows<MOST>(a, b, r, columns, inner, out);
  if (MOST == 4 && rows - r >= 2) product_rows<2>(a, b, r, columns, inner, out), r += 2;
  if (rows - r >= 1) product_rows<1>(a, b, r, columns, inner, out);
}

// Numbers of type M in a word that is transposed as one.
template <class T, class M>
constexpr int IN_WORD = sizeof(M) == 2 && CAN_SPLIT ? 2 : 1;

// One head of some sequences of one length; lanes beyond them repeat the last one.
template <class T, class M>
struct Group {
  static constexpr int L = LANES<T>, TWO = IN_WORD<T, M>;
  static constexpr bool WORDS = TWO * sizeof(M) == sizeof(T);  // else rows are converted on the way

  int64_t length, E, heads, size;  // of a head
  int64_t head = 0;
  int64_t first[L], stride[L];  // row of a lane's first token, rows from token to token

  Group(const Tile& tile, const Sequence* sequences, int64_t count)
      : length(sequences[0].length), E(padded(tile.e)), heads(tile.heads), size(tile.e / tile.heads) {
    for (int l = 0; l < L; ++l) {
      const Sequence& s = sequences[l < count ? l : count - 1];
      first[l] = s.first;
      stride[l] = s.stride;
    }
  }

  int64_t row(int lane, int64_t token) const { return first[lane] + token * stride[lane]; }
  int64_t at(int lane, int64_t token, int64_t column) const {
    return row(lane, token) * E + head * size + column;
  }

  // Calls one of both for parts of L / 2, L or fewer words of all rows, with the part's first number.
  template <class Whole, class Rest>
  void each_part(Whole whole, Rest rest) const {
    for (int64_t t = 0; t < length; ++t)
      for (int64_t c = 0; c < size; c += TWO * L) {
        if (!WORDS)
          rest(t, c);
        else if (size - c >= TWO * L)
          whole(std::integral_constant<int, L>{}, t, c);
        else if (L >= 4 && 2 * (size - c) == TWO * L)
          whole(std::integral_constant<int, L >= 4 ? L / 2 : L>{}, t, c);
        else
          for (int64_t start = c; start < size; start += L) rest(t, start);
      }
  }

  void take(const M* from, Matrix<T> to) const {  // (length, size)
    const auto whole = [&](auto words, int64_t t, int64_t c) {
      constexpr int N = words;
      Vector<T> rows[N];
      ACTIVA_UNROLL
      for (int i = 0; i < N; ++i) {
        if constexpr (N == L)
          rows[i] = load_bits<T>(from + at(i, t, c));
        else
          rows[i] = load_halves<T>(from + at(2 * i, t, c), from + at(2 * i + 1, t, c));
      }
      turn<T>(rows, log2_of(L));
      T* out = to(t, c);
      ACTIVA_UNROLL
      for (int i = 0; i < N; ++i) {
        if constexpr (TWO == 1) {
          store(out + i * L, rows[i]);
        } else {
          const Two<T> numbers = split(rows[i]);
          store(out + 2 * i * L, numbers.first);
          store(out + (2 * i + 1) * L, numbers.second);
        }
      }
    };
    each_part(whole, [&](int64_t t, int64_t c) {
      Vector<T> rows[L];
      for (int l = 0; l < L; ++l) rows[l] = load_part<T>(from + at(l, t, c), size - c);
      transpose<T>(rows);
      for (int l = 0; l < L && c + l < size; ++l) store(to(t, c + l), rows[l]);
    });
  }

  void give(Matrix<T> from, M* to) const {
    const auto whole = [&](auto words, int64_t t, int64_t c) {
      constexpr int N = words;
      Vector<T> rows[N];
      const T* in = from(t, c);
      ACTIVA_UNROLL
      for (int i = 0; i < N; ++i) {
        if constexpr (TWO == 1)
          rows[i] = load(in + i * L);
        else
          rows[i] = joined(load(in + 2 * i * L), load(in + (2 * i + 1) * L));
      }
      turn<T>(rows, log2_of(N));
      ACTIVA_UNROLL
      for (int i = 0; i < N; ++i) {
        if constexpr (N == L)
          store_bits<T>(to + at(i, t, c), rows[i]);
        else
          store_halves<T>(to + at(2 * i, t, c), to + at(2 * i + 1, t, c), rows[i]);
      }
    };
    each_part(whole, [&](int64_t t, int64_t c) {
      Vector<T> rows[L];
      for (int l = 0; l < L; ++l) rows[l] = c + l < size ? load(from(t, c + l)) : splat(T(0));
      transpose<T>(rows);
      for (int l = 0; l < L; ++l) store_part<T>(to + at(l, t, c), size - c, rows[l]);
    });
  }
};

template <class T>
struct Scratch {
  Matrix<T> q, k, v, grad, result;         // (length, size)
  Matrix<T> probabilities, grad_scores;    // (length, length)
};

template <class T>
Scratch<T> scratch_in(Arena& arena, int64_t length, int64_t size) {
  const auto matrix = [&](int64_t columns) {
    return Matrix<T>::whole(arena.take<T>(length * columns * LANES<T>), columns);
  };
  return {matrix(size), matrix(size), matrix(size), matrix(size), matrix(size), matrix(length),
          matrix(length)};
}

template <class T>
T scale_of(int64_t size) {
  return T(1) / T(sqrt(T(size)));
}

template <class T, class M>
int64_t short_scratch(int64_t length, int64_t e, int64_t heads) {
  Arena arena{nullptr};
  scratch_in<T>(arena, length, e / heads);
  return arena.used;
}

template <class T, class M>
void short_forward(const Tile& tile, const Sequence* sequences, int64_t count,
                   const Attention<T, M>& a, void* scratch) {
  Group<T, M> g(tile, sequences, count);
  Arena arena{static_cast<char*>(scratch)};
  const Scratch<T> s = scratch_in<T>(arena, g.length, g.size);
  for (; g.head < g.heads; ++g.head) {
    const Vector<T> scale = splat(T(LOG2_E) * scale_of<T>(g.size));
    const Matrix<T>& p = s.probabilities;
    g.take(a.q, s.q);
    g.take(a.k, s.k);
    g.take(a.v, s.v);
    product(s.q, s.k.transposed(), g.length, g.length, g.size, p);
    for (int64_t i = 0; i < g.length; ++i) {
      Vector<T> top = load(p(i, 0)), sum = splat(T(0));
      for (int64_t j = 1; j < g.length; ++j) top = larger(top, load(p(i, j)));
      const Vector<T> offset = top * scale;
      for (int64_t j = 0; j < g.length; ++j) {
        const Vector<T> power = power_of_two<M>(load(p(i, j)) * scale - offset);
        store(p(i, j), power);
        sum += power;
      }
      const Vector<T> share = splat(T(1)) / sum;
      for (int64_t j = 0; j < g.length; ++j) store(p(i, j), load(p(i, j)) * share);
      if (a.log_sums)
        for (int l = 0; l < LANES<T>; ++l)
          a.log_sums[g.row(l, i) * g.heads + g.head] = T(top[l]) * scale_of<T>(g.size) + T(log(T(sum[l])));
    }
    product(p, s.v, g.length, g.size, g.length, s.result);
    g.give(s.result, a.out);
  }
}

template <class T, class M>
void short_backward(const Tile& tile, const Sequence* sequences, int64_t count,
                    const AttentionBackward<T, M>& a, void* scratch) {
  Group<T, M> g(tile, sequences, count);
  Arena arena{static_cast<char*>(scratch)};
  const Scratch<T> s = scratch_in<T>(arena, g.length, g.size);
  for (; g.head < g.heads; ++g.head) {
    const Vector<T> scale = splat(scale_of<T>(g.size)), scale2 = splat(T(LOG2_E) * scale_of<T>(g.size));
    const Matrix<T>&p = s.probabilities, &grad_s = s.grad_scores;
    g.take(a.q, s.q);
    g.take(a.k, s.k);
    g.take(a.v, s.v);
    g.take(a.grad_out, s.grad);
    product(s.q, s.k.transposed(), g.length, g.length, g.size, p);
    product(s.grad, s.v.transposed(), g.length, g.length, g.size, grad_s);
    for (int64_t i = 0; i < g.length; ++i) {
      T lanes[LANES<T>];
      for (int l = 0; l < LANES<T>; ++l) lanes[l] = a.log_sums[g.row(l, i) * g.heads + g.head];
      const Vector<T> offset = load(lanes) * splat(T(LOG2_E));
      Vector<T> mean = splat(T(0));  // of the gradients of the probabilities
      for (int64_t j = 0; j < g.length; ++j) {
        const Vector<T> probability = power_of_two<M>(load(p(i, j)) * scale2 - offset);
        store(p(i, j), probability);
        mean += probability * load(grad_s(i, j));
      }
      for (int64_t j = 0; j < g.length; ++j)
        store(grad_s(i, j), load(p(i, j)) * (load(grad_s(i, j)) - mean) * scale);
    }
    product(p.transposed(), s.grad, g.length, g.size, g.length, s.result);
    g.give(s.result, a.grad_v);
    product(grad_s, s.k, g.length, g.size, g.length, s.result);
    g.give(s.result, a.grad_q);
    product(grad_s.transposed(), s.q, g.length, g.size, g.length, s.result);
    g.give(s.result, a.grad_k);
  }
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
