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

template <class T, class M>
struct Staged {
  using P = Packed<M>;
  static constexpr int64_t TWO = WORD<P>;  // numbers in a word

  Sequence s;
  int64_t E, e, heads, size;  // size of a head
  int64_t width, row;         // of a head and of all heads, as staged
  int64_t words;              // of a head
  int64_t queries, keys;      // of a block
  T scale;

  Staged(int64_t e, int64_t heads, const Sequence& s)
      : s(s), E(padded(e)), e(e), heads(heads), size(e / heads), width(up_to(size, LANES<T>)),
        row(up_to(heads * width, TWO * LANES<T>)), words((size + TWO - 1) / TWO),
        queries(block_of(s.length, QUERIES, LANES<T>)), keys(block_of(s.length, KEYS, 2)),
        scale(T(1) / T(sqrt(T(size)))) {}

  int64_t token_row(int64_t token) const { return s.first + token * s.stride; }

  P* take_rows(Arena& arena, int64_t count) const { return arena.take<P>(up_to(count, 2) * row); }
  P* take_pairs(Arena& arena, int64_t count) const { return TWO == 2 ? take_rows(arena, count) : nullptr; }

  // `count` rows of the sequence from its token `first` on, (count, row)
  void stage(const M* from, int64_t first, int64_t count, P* to) const {
    for (int64_t t = 0; t < count; ++t, to += row) {
      const M* in = from + token_row(first + t) * E;
      if (size == width) {
        copy(in, to);
        continue;
      }
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t c = 0; c < width; c += LANES<T>)
          store(to + h * width + c, load_part<T>(in + h * size + c, size - c));
    }
  }

  // Staged rows in words along the columns, (count / TWO, row, TWO); `pairs` is memory for them.
  const P* paired(const P* rows, int64_t count, P* pairs) const {
    if (TWO == 1) return rows;
    for (int64_t t = 0; t < count; t += 2)
      for (int64_t c = 0; c < row; c += LANES<T>) {
        const P* in = rows + t * row + c;
        store_rows<T>(pairs + t * row + TWO * c, row, load(in), t + 1 < count ? load(in + row) : splat(T(0)));
      }
    return pairs;
  }

  // Staged rows in words along the rows as columns, (row / TWO, queries, TWO), zeros beyond `count`
  void transposed(const P* rows, int64_t count, P* columns) const {
    const T* in = reinterpret_cast<const T*>(rows);  // a word has the size of T
    T* out = reinterpret_cast<T*>(columns);
    const int64_t all = row / TWO;
    for (int64_t i = 0; i < queries; i += LANES<T>)
      for (int64_t c = 0; c < all; c += LANES<T>) {
        Vector<T> block[LANES<T>];
        ACTIVA_UNROLL
        for (int l = 0; l < LANES<T>; ++l)
          block[l] = i + l < count ? load(in + (i + l) * all + c) : splat(T(0));
        transpose<T>(block);
        ACTIVA_UNROLL
        for (int l = 0; l < LANES<T>; ++l) store(out + (c + l) * queries + i, block[l]);
      }
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

 private:
  void copy(const M* from, P* to) const {
    if constexpr (sizeof(M) == sizeof(P))
      memcpy(to, from, size_t(e) * sizeof(M));
    else
      for (int64_t c = 0; c < e; c += LANES<T>) store(to + c, load(from + c));
  }
};

}  // namespace
}  // namespace activa::ACTIVA_ISA
