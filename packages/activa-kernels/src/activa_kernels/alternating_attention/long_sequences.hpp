// Attention of a long sequence: vectors run over its queries, in blocks of queries and of keys.
//
// Scores lie transposed, (keys, queries), so that the softmax of a query stays in its lane. Over the
// blocks of keys it is the running one of flash attention (arXiv 2205.14135).
#pragma once

#include "staged.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// Packed numbers that are read by rows, by pairs of rows, by columns.
template <class T, class M>
struct ForwardScratch {
  Packed<M> *keys, *value_pairs, *copy, *query_columns, *powers;
  T *scores, *values;

  ForwardScratch(Arena& arena, const Staged<T, M>& l) {
    keys = l.take_rows(arena, l.s.length);
    value_pairs = l.take_rows(arena, l.s.length);
    copy = l.take_rows(arena, l.s.length);
    query_columns = l.take_rows(arena, l.queries);
    powers = arena.take<Packed<M>>(l.keys * l.queries);
    scores = arena.take<T>(l.keys * l.queries);
    values = arena.take<T>(l.queries * l.width);
  }
};

template <class T, class M>
struct BackwardScratch {
  Packed<M> *keys, *key_pairs, *values, *copy, *query_pairs, *query_columns, *grad_pairs, *grad_columns;
  Packed<M> *probabilities, *grad_scores, *grad_score_pairs;
  T *scores, *grad_probabilities, *grad_query, *grad_key, *grad_value;

  BackwardScratch(Arena& arena, const Staged<T, M>& l) {
    keys = l.take_rows(arena, l.s.length);
    key_pairs = l.take_rows(arena, l.s.length);
    values = l.take_rows(arena, l.s.length);
    copy = l.take_rows(arena, l.queries);
    query_pairs = l.take_rows(arena, l.queries);
    query_columns = l.take_rows(arena, l.queries);
    grad_pairs = l.take_rows(arena, l.queries);
    grad_columns = l.take_rows(arena, l.queries);
    const int64_t block = l.keys * l.queries;
    probabilities = arena.take<Packed<M>>(block);
    grad_scores = arena.take<Packed<M>>(block);
    grad_score_pairs = arena.take<Packed<M>>(block);
    scores = arena.take<T>(block);
    grad_probabilities = arena.take<T>(block);
    grad_query = arena.take<T>(l.queries * l.width);
    grad_key = arena.take<T>(l.s.length * l.row);
    grad_value = arena.take<T>(l.s.length * l.row);
  }
};

// Of each query of a block.
template <class T, class M>
struct Softmax {
  T top[QUERIES], sum[QUERIES], shrink[QUERIES];  // top is of scores before they are scaled

  // The exponentials of another block of scores; sums over those before it are to shrink.
  void next(const Staged<T, M>& l, const T* scores, int64_t keys, bool first, Packed<M>* powers) {
    const Vector<T> scale = splat(l.scale2);
    for (int64_t i = 0; i < l.queries; i += LANES<T>) {
      const T* column = scores + i;
      const Vector<T> before = load(first ? column : top + i);
      Vector<T> best = before, total = splat(T(0));
      for (int64_t j = 0; j < keys; ++j) best = larger(best, load(column + j * l.queries));
      const Vector<T> offset = best * scale;
      const auto power = [&](int64_t j) {
        const Vector<T> p = power_of_two<M>(load(column + j * l.queries) * scale - offset);
        total += p;
        return p;
      };
      Packed<M>* to = powers + i * l.TWO;
      for (int64_t j = 0; j < keys; j += 2) {
        const Vector<T> p = power(j);
        const Vector<T> q = j + 1 < keys ? power(j + 1) : splat(T(0));
        store_rows<T, Packed<M>>(p, q, l.queries, nullptr, to + j * l.queries);
      }
      if (!first) {
        const Vector<T> less = power_of_two<M>(before * scale - offset);
        total += load(sum + i) * less;
        store(shrink + i, less);
      }
      store(top + i, best);
      store(sum + i, total);
    }
  }
};

template <class T>
void multiply_rows(T* rows, int64_t count, int64_t width, const T* factors) {
  for (int64_t r = 0; r < count; ++r)
    for (int64_t c = 0; c < width; c += LANES<T>)
      store(rows + r * width + c, load(rows + r * width + c) * splat(factors[r]));
}

// A block of queries of one head.
struct Part {
  int64_t first, count, head;
};

template <class T, class M>
void forward_part(const Staged<T, M>& l, const ForwardScratch<T, M>& b, const Part& part,
                  const Attention<T, M>& a) {
  Softmax<T, M> softmax;
  for (int64_t key = 0; key < l.s.length; key += l.keys) {
    const int64_t keys = l.s.length - key < l.keys ? l.s.length - key : l.keys;
    l.scores(b.keys + key * l.row, keys, b.query_columns, part.head, b.scores);
    softmax.next(l, b.scores, keys, key == 0, b.powers);
    if (key) multiply_rows(b.values, part.count, l.width, softmax.shrink);
    l.weighted({b.powers, l.TWO, l.queries * l.TWO}, part.count, b.value_pairs + key * l.row, keys,
               part.head, {b.values, l.width, key > 0});
  }
  T shares[QUERIES];
  for (int64_t i = 0; i < l.queries; i += LANES<T>) store(shares + i, splat(T(1)) / load(softmax.sum + i));
  l.give(b.values, l.width, part.first, part.count, part.head, shares, a.out);
  if (!a.log_sums) return;
  for (int64_t i = 0; i < part.count; ++i)
    a.log_sums[l.token_row(part.first + i) * l.heads + part.head] =
        softmax.top[i] * l.scale + T(log(softmax.sum[i]));
}

// Probabilities and gradients of scores of a block of keys, from scores and gradients of
// probabilities; `means` is of these.
template <class T, class M>
void softmax_backward(const Staged<T, M>& l, const BackwardScratch<T, M>& b, int64_t keys,
                      const T* log_sums, const T* means) {
  const Vector<T> scale = splat(l.scale), scale2 = splat(l.scale2);
  for (int64_t i = 0; i < l.queries; i += LANES<T>) {
    const Vector<T> offset = load(log_sums + i) * splat(T(LOG2_E)), mean = load(means + i) * scale;
    const auto probability_of = [&](int64_t j) {
      return power_of_two<M>(load(b.scores + j * l.queries + i) * scale2 - offset);
    };
    const auto grad_of = [&](int64_t j, Vector<T> probability) {
      return probability * (load(b.grad_probabilities + j * l.queries + i) * scale - mean);
    };
    for (int64_t j = 0; j < keys; j += 2) {
      const bool two = j + 1 < keys;
      const int64_t at = j * l.queries + i, at_pair = j * l.queries + i * l.TWO;
      const Vector<T> none = splat(T(0)), first = probability_of(j), second = two ? probability_of(j + 1) : none;
      store_rows<T, Packed<M>>(first, second, l.queries, b.probabilities + at, nullptr);
      store_rows<T, Packed<M>>(grad_of(j, first), two ? grad_of(j + 1, second) : none, l.queries,
                               b.grad_scores + at, b.grad_score_pairs + at_pair);
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

template <class T, class M>
void backward_part(const Staged<T, M>& l, const BackwardScratch<T, M>& b, const Part& part,
                   const AttentionBackward<T, M>& a) {
  T log_sums[QUERIES] = {}, means[QUERIES] = {};
  for (int64_t i = 0; i < part.count; ++i) {
    const int64_t row = l.token_row(part.first + i), at = row * l.E + part.head * l.size;
    log_sums[i] = a.log_sums[row * l.heads + part.head];
    means[i] = dot<T>(a.out + at, a.grad_out + at, l.size);
  }
  const bool more = part.first > 0;
  for (int64_t key = 0; key < l.s.length; key += l.keys) {
    const int64_t keys = l.s.length - key < l.keys ? l.s.length - key : l.keys;
    const int64_t at = key * l.row, sums = at + part.head * l.width;
    l.scores(b.keys + at, keys, b.query_columns, part.head, b.scores);
    l.scores(b.values + at, keys, b.grad_columns, part.head, b.grad_probabilities);
    softmax_backward(l, b, keys, log_sums, means);
    l.weighted({b.probabilities, l.queries, l.TWO}, keys, b.grad_pairs, part.count, part.head,
               {b.grad_value + sums, l.row, more});
    l.weighted({b.grad_scores, l.queries, l.TWO}, keys, b.query_pairs, part.count, part.head,
               {b.grad_key + sums, l.row, more});
    l.weighted({l.TWO == 2 ? b.grad_score_pairs : b.grad_scores, l.TWO, l.queries * l.TWO}, part.count, b.key_pairs + at, keys,
               part.head, {b.grad_query, l.width, key > 0});
  }
  l.give(b.grad_query, l.width, part.first, part.count, part.head, nullptr, a.grad_q);
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
  l.stage(a.k, 0, s.length, b.keys);
  l.paired(l.rows(a.v, 0, s.length, b.copy), s.length, b.value_pairs);
  for (int64_t first = 0; first < s.length; first += l.queries) {
    const int64_t count = s.length - first < l.queries ? s.length - first : l.queries;
    l.transposed(l.rows(a.q, first, count, b.copy), count, b.query_columns);
    for (int64_t head = 0; head < l.heads; ++head) forward_part(l, b, {first, count, head}, a);
  }
}

template <class T, class M>
void long_backward(const Tile& tile, const Sequence& s, const AttentionBackward<T, M>& a, void* scratch) {
  const Staged<T, M> l(tile.e, tile.heads, s);
  Arena arena{static_cast<char*>(scratch)};
  BackwardScratch<T, M> b(arena, l);
  l.stage(a.v, 0, s.length, b.values);
  l.stage(a.k, 0, s.length, b.keys);
  if (l.TWO == 2)
    l.paired({b.keys, l.row}, s.length, b.key_pairs);
  else
    b.key_pairs = b.keys;
  for (int64_t first = 0; first < s.length; first += l.queries) {
    const int64_t count = s.length - first < l.queries ? s.length - first : l.queries;
    const auto both = [&](const M* from, Packed<M>* pairs, Packed<M>* columns) {
      const Rows<Packed<M>> rows = l.rows(from, first, count, b.copy);
      l.paired(rows, count, pairs);
      l.transposed(rows, count, columns);
    };
    both(a.q, b.query_pairs, b.query_columns);
    both(a.grad_out, b.grad_pairs, b.grad_columns);
    for (int64_t head = 0; head < l.heads; ++head) backward_part(l, b, {first, count, head}, a);
  }
  for (int64_t head = 0; head < l.heads; ++head) {
    l.give(b.grad_key + head * l.width, l.row, 0, s.length, head, nullptr, a.grad_k);
    l.give(b.grad_value + head * l.width, l.row, 0, s.length, head, nullptr, a.grad_v);
  }
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
