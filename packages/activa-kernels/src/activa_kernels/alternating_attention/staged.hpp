// How a long sequence is laid out for products, and back.
//
// A head is padded with zeros to whole vectors, and rows follow one another. Where two Bfloat16 make
// a word, a product reads words along the dimension that it sums: two neighbours of a row as staged,
// of a column once `paired`.
#pragma once

#include "sequences.hpp"
#include "strip.hpp"

namespace activa::ACTIVA_ISA {
namespace {

constexpr int64_t QUERIES = 64, KEYS = 96;  // of a block, at most

ACTIVA_INLINE int64_t up_to(int64_t count, int64_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

// Blocks of about one size.
ACTIVA_INLINE int64_t block_of(int64_t count, int64_t most, int64_t multiple) {
  const int64_t blocks = (count + most - 1) / most;
  return up_to((count + blocks - 1) / blocks, multiple);
}

template <class P>
struct Rows {
  const P* at;
  int64_t stride;
};

template <class T, class M>
struct Staged {
  using P = Packed<M>;
  static constexpr int64_t TWO = WORD<P>;  // numbers in a word

  Sequence s;
  int64_t E, e, heads, size;  // size of a head
  int64_t width, row;         // of a head and of all heads, as staged
  int64_t words;              // of a head
  int64_t queries, keys;      // of a block
  T scale, scale2;            // of scores, for powers of e and of 2

  Staged(int64_t e, int64_t heads, const Sequence& s)
      : s(s), E(padded(e)), e(e), heads(heads), size(e / heads), width(up_to(size, LANES<T>)),
        row(up_to(heads * width, TWO * LANES<T>)), words((size + TWO - 1) / TWO),
        queries(block_of(s.length, QUERIES, LANES<T>)), keys(block_of(s.length, KEYS, 2)),
        scale(T(1 / sqrt(double(size)))), scale2(T(LOG2_E / sqrt(double(size)))) {}

  int64_t token_row(int64_t token) const { return s.first + token * s.stride; }

  P* take_rows(Arena& arena, int64_t count) const { return arena.take<P>(up_to(count, 2) * row); }

  // `count` rows of the sequence from its token `first` on, heads padded: where they lie, if they lie
  // so, else in `copy`
  Rows<P> rows(const M* from, int64_t first, int64_t count, P* copy) const {
    if constexpr (sizeof(M) == sizeof(P))
      if (size == width) return {from + token_row(first) * E, s.stride * E};
    stage(from, first, count, copy);
    return {copy, row};
  }

  // the same, one after another in `copy`
  const P* stage(const M* from, int64_t first, int64_t count, P* copy) const {
    P* to = copy;
    for (int64_t t = 0; t < count; ++t, to += row) {
      const M* in = from + token_row(first + t) * E;
      if (size == width)
        copy_row(in, to);
      else
        for (int64_t h = 0; h < heads; ++h)
          for (int64_t c = 0; c < width; c += LANES<T>)
            store(to + h * width + c, load_part<T>(in + h * size + c, size - c));
    }
    return copy;
  }

  void copy_row(const M* from, P* to) const {
    if constexpr (sizeof(M) == sizeof(P))  // in words, which have the size of T
      for (int64_t c = 0; c < row; c += TWO * LANES<T>)
        store(reinterpret_cast<T*>(to + c), load(reinterpret_cast<const T*>(from + c)));
    else
      for (int64_t c = 0; c < row; c += LANES<T>) store(to + c, load(from + c));
  }

  // Rows in words along the columns, (count / TWO, row, TWO), one after another in `copy`
  const P* paired(const Rows<P>& rows, int64_t count, P* copy) const {
    const P* in = rows.at;
    P* to = copy;
    for (int64_t t = 0; t < count; t += 2, in += 2 * rows.stride, to += 2 * row)
      pair_rows<T>(in, t + 1 < count ? in + rows.stride : nullptr, row, to);
    return copy;
  }

  // Rows in words along the rows as columns, (row / TWO, queries, TWO), zeros beyond `count`
  const P* transposed(const Rows<P>& rows, int64_t count, P* columns) const {
    const T* in = reinterpret_cast<const T*>(rows.at);  // a word has the size of T
    T* out = reinterpret_cast<T*>(columns);
    const int64_t all = row / TWO, stride = rows.stride / TWO;
    for (int64_t i = 0; i < queries; i += LANES<T>)
      for (int64_t c = 0; c < all; c += LANES<T>) {
        Vector<T> block[LANES<T>];
        ACTIVA_UNROLL
        for (int l = 0; l < LANES<T>; ++l)
          block[l] = i + l < count ? load(in + (i + l) * stride + c) : splat(T(0));
        transpose<T>(block);
        ACTIVA_UNROLL
        for (int l = 0; l < LANES<T>; ++l) store(out + (c + l) * queries + i, block[l]);
      }
    return columns;
  }

  // out (count, queries) = the rows of a head times columns of the same head
  void scores(const P* rows, int64_t count, const P* columns, int64_t head, T* out) const {
    strips<T, P>({rows + head * width, row, TWO}, {columns + head * width * queries, queries * TWO}, words,
                 count, queries, {out, queries, false});
  }

  // out (count, width) (+)= a times `inner` rows of a head, which are paired
  void weighted(const Spread<P>& a, int64_t count, const P* pairs, int64_t inner, int64_t head,
                const Sums<T>& out) const {
    strips<T, P>(a, {pairs + head * width * TWO, row * TWO}, (inner + TWO - 1) / TWO, count, width, out);
  }

  // Values (count, width) of a head, times those of `factors` where given, to rows of the sequence.
  void give(const T* values, int64_t stride, int64_t first, int64_t count, int64_t head,
            const T* factors, M* to) const {
    for (int64_t t = 0; t < count; ++t) {
      const Vector<T> factor = splat(factors ? factors[t] : T(1));
      for (int64_t c = 0; c < size; c += LANES<T>)
        store_part<T>(to + token_row(first + t) * E + head * size + c, size - c,
                   load(values + t * stride + c) * factor);
    }
  }
};

}  // namespace
}  // namespace activa::ACTIVA_ISA
