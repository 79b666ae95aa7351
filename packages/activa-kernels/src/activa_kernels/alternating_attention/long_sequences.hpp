// Attention of a long sequence: vectors run over its queries, in blocks of queries and of keys.
//
// Scores lie transposed, (keys, queries), so that the softmax of a query stays in its lane. Over the
// blocks of keys it is the running one of flash attention (arXiv 2205.14135).
#pragma once

#include "staged.hpp"

namespace activa::ACTIVA_ISA {
namespace {

template <class T, class M>
struct ForwardScratch {
  Packed<M> *k, *v, *v_pairs, *q, *q_columns, *probabilities;
  T *scores, *values;

  ForwardScratch(Arena& arena, const Staged<T, M>& l) {
    k = l.take_rows(arena, l.s.length);
    v = l.take_rows(arena, l.s.length);
    v_pairs = l.take_pairs(arena, l.s.length);
    q = l.take_rows(arena, l.queries);
    q_columns = l.take_rows(arena, l.queries);
    probabilities = arena.take<Packed<M>>(l.keys * l.queries);
    scores = arena.take<T>(l.keys * l.queries);
    values = arena.take<T>(l.queries * l.width);
  }
};

template <class T, class M>
struct BackwardScratch {
  Packed<M> *k, *k_pairs, *v, *q, *q_pairs, *q_columns, *grad, *grad_pairs, *grad_columns;
  Packed<M> *probabilities, *grad_scores, *grad_score_pairs;
  T *scores, *grad_probabilities, *grad_q, *grad_k, *grad_v;

  BackwardScratch(Arena& arena, const Staged<T, M>& l) {
    k = l.take_rows(arena, l.s.length);
    k_pairs = l.take_pairs(arena, l.s.length);
    v = l.take_rows(arena, l.s.length);
    q = l.take_rows(arena, l.queries);
    q_pairs = l.take_pairs(arena, l.queries);
    q_columns = l.take_rows(arena, l.queries);
    grad = l.take_rows(arena, l.queries);
    grad_pairs = l.take_pairs(arena, l.queries);
    grad_columns = l.take_rows(arena, l.queries);
    const int64_t block = l.keys * l.queries;
    probabilities = arena.take<Packed<M>>(block);
    grad_scores = arena.take<Packed<M>>(block);
    grad_score_pairs = arena.take<Packed<M>>(block);
    scores = arena.take<T>(block);
    grad_probabilities = arena.take<T>(block);
    grad_q = arena.take<T>(l.queries * l.width);
    grad_k = arena.take<T>(l.s.length * l.row);
    grad_v = arena.take<T>(l.s.length * l.row);
  }
};

// Of each query of a block.
template <class T>
struct Softmax {
  T top[QUERIES], sum[QUERIES], shrink[QUERIES];  // top is of scores before they are scaled

  // The exponentials of another block of scores; what was summed before them is to be multiplied by
  // `shrink`.
  template <class P>
  void next(const T* scores, int64_t keys, int64_t queries, T scale, bool first, P* powers) {
    for (int64_t i = 0; i < queries; i += LANES<T>) {
      const T* column = scores + i;
      const Vector<T> before = load(first ? column : top + i);
      Vector<T> best = before, total = splat(T(0));
      for (int64_t j = 0; j < keys; ++j) best = larger(best, load(column + j * queries));
      const auto power = [&](int64_t j) {
        if (j >= keys) return splat(T(0));
        const Vector<T> p = exponential((load(column + j * queries) - best) * splat(scale));
        total += p;
        return p;
      };
      for (int64_t j = 0; j < keys; j += 2) {
        const Vector<T> p = power(j);
        store_rows<T>(powers + j * queries + i * WORD<P>, queries, p, power(j + 1));
      }
      const Vector<T> less = exponential((before - best) * splat(scale));
      store(top + i, best);
      store(sum + i, first ? total : load(sum + i) * less + total);
      store(shrink + i, less);
    }
  }
};

template <class T>
void multiply_rows(T* rows, int64_t count, int64_t width, const T* factors) {
  for (int64_t r = 0; r < count; ++r)
    for (int64_t c = 0; c < width; c += LANES<T>)
      store(rows + r * width + c, load(rows + r * width + c) * splat(factors[r]));
}

template <class T, class M>
void forward_head(const Staged<T, M>& l, const ForwardScratch<T, M>& b, const Packed<M>* v_pairs,
                  int64_t first, int64_t count, int64_t head, const Attention<T, M>& a) {
  constexpr int64_t TWO = Staged<T, M>::TWO;
  Softmax<T> softmax;
  for (int64_t key = 0; key < l.s.length; key += l.keys) {
    const int64_t keys = l.s.length - key < l.keys ? l.s.length - key : l.keys;
    l.scores(b.k + key * l.row, keys, b.q_columns, head, b.scores);
    softmax.next(b.scores, keys, l.queries, l.scale, key == 0, b.probabilities);
    if (key) multiply_rows(b.values, count, l.width, softmax.shrink);
    l.weighted({b.probabilities, TWO, l.queries * TWO}, count, v_pairs + key * l.row, keys, head,
               {b.values, l.width, key > 0});
  }
  T shares[QUERIES];
  for (int64_t i = 0; i < count; ++i) shares[i] = T(1) / softmax.sum[i];
  l.give(b.values, l.width, first, count, head, shares, a.out);
  if (a.log_sums)
    for (int64_t i = 0; i < count; ++i)
      a.log_sums[l.token_row(first + i) * l.heads + head] =
          softmax.top[i] * l.scale + T(log(softmax.sum[i]));
}

// Probabilities and gradients of scores of a block of keys, from scores and gradients of probabilities.
template <class T, class M>
void softmax_backward(const Staged<T, M>& l, const BackwardScratch<T, M>& b, int64_t keys,
                      const T* log_sums, const T* means) {
  constexpr int64_t TWO = Staged<T, M>::TWO;
  for (int64_t i = 0; i < l.queries; i += LANES<T>) {
    const Vector<T> log_sum = load(log_sums + i), mean = load(means + i), scale = splat(l.scale);
    const auto grad_of = [&](int64_t j) {
      if (j >= keys) return splat(T(0));
      const int64_t at = j * l.queries + i;
      const Vector<T> probability = exponential(load(b.scores + at) * scale - log_sum);
      const Vector<T> grad = probability * (load(b.grad_probabilities + at) - mean) * scale;
      store(b.probabilities + at, probability);
      if (TWO == 2) store(b.grad_scores + at, grad);
      return grad;
    };
    for (int64_t j = 0; j < keys; j += 2) {
      const Vector<T> grad = grad_of(j);
      Packed<M>* to = TWO == 2 ? b.grad_score_pairs : b.grad_scores;
      store_rows<T>(to + j * l.queries + i * TWO, l.queries, grad, grad_of(j + 1));
    }
  }
}

template <class T, class M>
T dot(const M* a, const M* b, int64_t size) {
  Vector<T> sum = splat(T(0));
  for (int64_t c = 0; c < size; c += LANES<T>)
    sum += load_part<T>(a + c, size - c) * load_part<T>(b + c, size - c);
  return total(sum);
}

// Rows of a block of queries, as products read them.
template <class P>
struct Rows {
  const P *q_pairs, *grad_pairs;
  int64_t first, count;
};

template <class T, class M>
void backward_head(const Staged<T, M>& l, const BackwardScratch<T, M>& b, const Packed<M>* k_pairs,
                   const Rows<Packed<M>>& rows, int64_t head, const AttentionBackward<T, M>& a) {
  constexpr int64_t TWO = Staged<T, M>::TWO;
  T log_sums[QUERIES] = {}, means[QUERIES] = {};  // means are of the gradients of the probabilities
  for (int64_t i = 0; i < rows.count; ++i) {
    const int64_t row = l.token_row(rows.first + i), at = row * l.E + head * l.size;
    log_sums[i] = a.log_sums[row * l.heads + head];
    means[i] = dot<T>(a.out + at, a.grad_out + at, l.size);
  }
  const bool accumulate = rows.first > 0;
  const Packed<M>* grad_score_pairs = TWO == 2 ? b.grad_score_pairs : b.grad_scores;
  for (int64_t key = 0; key < l.s.length; key += l.keys) {
    const int64_t keys = l.s.length - key < l.keys ? l.s.length - key : l.keys;
    const int64_t at = key * l.row, sums = at + head * l.width;
    l.scores(b.k + at, keys, b.q_columns, head, b.scores);
    l.scores(b.v + at, keys, b.grad_columns, head, b.grad_probabilities);
    softmax_backward(l, b, keys, log_sums, means);
    l.weighted({b.probabilities, l.queries, TWO}, keys, rows.grad_pairs, rows.count, head,
               {b.grad_v + sums, l.row, accumulate});
    l.weighted({b.grad_scores, l.queries, TWO}, keys, rows.q_pairs, rows.count, head,
               {b.grad_k + sums, l.row, accumulate});
    l.weighted({grad_score_pairs, TWO, l.queries * TWO}, rows.count, k_pairs + at, keys, head,
               {b.grad_q, l.width, key > 0});
  }
  l.give(b.grad_q, l.width, rows.first, rows.count, head, nullptr, a.grad_q);
}

template <class T, class M>
int64_t long_scratch(int64_t length, int64_t e, int64_t heads) {
  const Staged<T, M> l(e, heads, {0, 1, length});
  Arena forward{nullptr}, backward{nullptr};
  ForwardScratch<T, M>(forward, l), BackwardScratch<T, M>(backward, l);
  return forward.used > backward.used ? forward.used : backward.used;
}

template <class T, class M>
void long_forward(const Tile& tile, const Sequence& s, const Attention<T, M>& a, void* scratch) {
  const Staged<T, M> l(tile.e, tile.heads, s);
  Arena arena{static_cast<char*>(scratch)};
  const ForwardScratch<T, M> b(arena, l);
  l.stage(a.k, 0, s.length, b.k);
  l.stage(a.v, 0, s.length, b.v);
  const Packed<M>* v_pairs = l.paired(b.v, s.length, b.v_pairs);
  for (int64_t first = 0; first < s.length; first += l.queries) {
    const int64_t count = s.length - first < l.queries ? s.length - first : l.queries;
    l.stage(a.q, first, count, b.q);
    l.transposed(b.q, count, b.q_columns);
    for (int64_t head = 0; head < l.heads; ++head) forward_head(l, b, v_pairs, first, count, head, a);
  }
}

template <class T, class M>
void long_backward(const Tile& tile, const Sequence& s, const AttentionBackward<T, M>& a, void* scratch) {
  const Staged<T, M> l(tile.e, tile.heads, s);
  Arena arena{static_cast<char*>(scratch)};
  const BackwardScratch<T, M> b(arena, l);
  l.stage(a.k, 0, s.length, b.k);
  l.stage(a.v, 0, s.length, b.v);
  const Packed<M>* k_pairs = l.paired(b.k, s.length, b.k_pairs);
  for (int64_t first = 0; first < s.length; first += l.queries) {
    const int64_t count = s.length - first < l.queries ? s.length - first : l.queries;
    l.stage(a.q, first, count, b.q);
    l.stage(a.grad_out, first, count, b.grad);
    l.transposed(b.q, count, b.q_columns);
    l.transposed(b.grad, count, b.grad_columns);
    const Rows<Packed<M>> rows{l.paired(b.q, count, b.q_pairs), l.paired(b.grad, count, b.grad_pairs),
                               first, count};
    for (int64_t head = 0; head < l.heads; ++head) backward_head(l, b, k_pairs, rows, head, a);
  }
  for (int64_t head = 0; head < l.heads; ++head) {
    l.give(b.grad_k + head * l.width, l.row, 0, s.length, head, nullptr, a.grad_k);
    l.give(b.grad_v + head * l.width, l.row, 0, s.length, head, nullptr, a.grad_v);
  }
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
