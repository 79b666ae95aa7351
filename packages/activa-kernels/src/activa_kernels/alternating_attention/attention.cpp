// Softmax attention within each sequence of a tile, forward and backward.
#include "long_sequences.hpp"
#include "short_sequences.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// Calls `one` with each long sequence numbered [first, last), `some` with groups of short ones.
template <class T, class One, class Some>
void each_sequence(const Tile& tile, int64_t first, int64_t last, One one, Some some) {
  Sequence group[LANES<T>];
  int64_t count = 0, number = 0;
  const auto flush = [&] {
    if (count) some(group, count);
    count = 0;
  };
  for (const Item* item = tile.items; item < tile.items + tile.item_count && number < last; ++item) {
    const int64_t sequences = tile.over_samples ? item->d : item->N;
    const int64_t from = first > number ? first - number : 0;
    const int64_t to = last - number < sequences ? last - number : sequences;
    for (int64_t i = from; i < to; ++i) {
      const Sequence s = tile.over_samples ? Sequence{item->first + i, item->d, item->N}
                                           : Sequence{item->first + i * item->d, 1, item->d};
      if (s.length > SHORT) {
        one(s);
        continue;
      }
      if (count && group[0].length != s.length) flush();
      group[count++] = s;
      if (count == LANES<T>) flush();
    }
    number += sequences;
  }
  flush();
}

// Columns e and up of the rows of a sequence.
template <class M>
void clear_padding(const Sequence& s, int64_t e, M* out) {
  for (int64_t t = 0; t < s.length; ++t) {
    const int64_t row = (s.first + t * s.stride) * padded(e);
    for (int64_t c = e; c < padded(e); ++c) out[row + c] = {};
  }
}

}  // namespace

template <class T, class M>
int64_t attention_scratch(int64_t longest, int64_t e, int64_t heads) {
  const int64_t few = short_scratch<T, M>(longest < SHORT ? longest : SHORT, e, heads);
  const int64_t many = longest > SHORT ? long_scratch<T, M>(longest, e, heads) : 0;
  return few > many ? few : many;
}

template <class T, class M>
void attention_forward(const Tile& tile, int64_t first, int64_t last, const M* q, const M* k,
                       const M* v, M* out, T* log_sums, void* scratch) {
  const Attention<T, M> a{q, k, v, out, log_sums};
  const auto one = [&](const Sequence& s) {
    long_forward(tile, s, a, scratch);
    clear_padding(s, tile.e, out);
  };
  const auto some = [&](const Sequence* group, int64_t count) {
    short_forward(tile, group, count, a, scratch);
    for (int64_t i = 0; i < count; ++i) clear_padding(group[i], tile.e, out);
  };
  each_sequence<T>(tile, first, last, one, some);
}

template <class T, class M>
void attention_backward(const Tile& tile, int64_t first, int64_t last, const M* q, const M* k,
                        const M* v, const M* out, const T* log_sums, const M* grad_out, M* grad_q,
                        M* grad_k, M* grad_v, void* scratch) {
  const AttentionBackward<T, M> a{q, k, v, out, log_sums, grad_out, grad_q, grad_k, grad_v};
  const auto clear = [&](const Sequence& s) {
    for (M* grad : {grad_q, grad_k, grad_v}) clear_padding(s, tile.e, grad);
  };
  const auto one = [&](const Sequence& s) {
    long_backward(tile, s, a, scratch);
    clear(s);
  };
  const auto some = [&](const Sequence* group, int64_t count) {
    short_backward(tile, group, count, a, scratch);
    for (int64_t i = 0; i < count; ++i) clear(group[i]);
  };
  each_sequence<T>(tile, first, last, one, some);
}

#define ACTIVA_INSTANTIATE(T, M)                                                                   \
  template int64_t attention_scratch<T, M>(int64_t, int64_t, int64_t);                             \
  template void attention_forward(const Tile&, int64_t, int64_t, const M*, const M*, const M*, M*, \
                                  T*, void*);                                                      \
  template void attention_backward(const Tile&, int64_t, int64_t, const M*, const M*, const M*,    \
                                   const M*, const T*, const M*, M*, M*, M*, void*);
ACTIVA_INSTANTIATE(float, float)
ACTIVA_INSTANTIATE(float, Bfloat16)
ACTIVA_INSTANTIATE(double, double)

}  // namespace activa::ACTIVA_ISA
