// The backward pass of a tile: the feed-forward, the projection, the attention, the three products
// before it. Normalised rows, probabilities, the non-linearity and the dropout are made again.
#include "phases.hpp"

namespace activa::ACTIVA_ISA {
namespace {

template <class T, class M>
struct Scratch {  // E = padded(e); copies are for columns()
  M *grad_attended, *grad_query, *grad_key, *grad_value;  // (rows of the tile, E)
  T *grad_site, *grad_normal;                             // (rows, E)
  M *upstream, *normal;                                   // (rows, E)
  Packed<M> *upstream_copy, *normal_copy;                 // (rows, E)
  T* grad_activation;                                     // (rows, 64)
  M *activation, *grad_hidden;                            // (rows, 64)
  Packed<M>* copy;                                        // (rows, E or 64)
  void* attention;
};

template <class T, class M>
Scratch<T, M> scratch_in(Arena& arena, const Block<T>& b, int64_t all_rows, int64_t longest) {
  const int64_t E = padded(b.e), rows = rows_at_once(all_rows);
  Scratch<T, M> s;
  s.grad_attended = arena.take<M>(all_rows * E);
  s.grad_query = arena.take<M>(all_rows * E);
  s.grad_key = arena.take<M>(all_rows * E);
  s.grad_value = arena.take<M>(all_rows * E);
  s.grad_site = arena.take<T>(rows * E);
  s.grad_normal = arena.take<T>(rows * E);
  s.upstream = arena.take<M>(rows * E);
  s.normal = arena.take<M>(rows * E);
  s.upstream_copy = arena.take<Packed<M>>(rows * E);
  s.normal_copy = arena.take<Packed<M>>(rows * E);
  s.copy = arena.take<Packed<M>>(rows * E);
  s.grad_activation = arena.take<T>(rows * PANEL);
  s.activation = arena.take<M>(rows * PANEL);
  s.grad_hidden = arena.take<M>(rows * PANEL);
  s.attention = arena.take<char>(attention_scratch<T, M>(longest, b.e, b.heads));
  return s;
}

// The phases of some rows of a tile.
template <class T, class M>
struct Rows {
  const Block<T>& b;
  const PackedWeights<T>& w;
  const Weights<T*>& sums;
  const Scratch<T, M>& s;
  const int64_t* tokens;
  int64_t rows, E;

  // c (+)= a w for a of width e and a packed (e, .) or (h, .) matrix, from row k of it on
  template <class S>
  void multiply(const M* a, int64_t a_stride, int64_t K, const void* packed, int64_t depth, int64_t k,
                bool accumulate, S* c) const {
    const auto* panels = static_cast<const Packed<M>*>(packed) + k * PANEL;
    for (int64_t n = 0; n < E; n += PANEL)
      product<T, M, S>(a, a_stride, rows, panels + n * depth, K, nullptr, accumulate, c + n, E);
  }

  Columns<M> laid_out(const M* a, int64_t width, Packed<M>* copy) const {
    const Columns<M> found = columns<M>(a, width, rows, copy);
    phase_ended(Phase::layout);
    return found;
  }

  void add_outer_product(const Columns<M>& a, const Columns<M>& upstream, T* sum) const {
    outer_product(a, upstream, rows, sum);
    phase_ended(Phase::weight_gradients);
  }

  // the gradient of what a site's dropout let through, rounded; its sums are the bias's gradient
  Columns<M> site(int which, const T* grad, T* grad_bias) const {
    take_rows(grad, tokens, rows, b.e, s.grad_site);
    if (b.dropout[which].threshold) drop(b.dropout[which], tokens, rows, b.e, s.grad_site, E);
    add_column_sums(s.grad_site, rows, E, grad_bias);
    round_numbers(s.grad_site, rows * E, s.upstream);
    phase_ended(Phase::residual);
    return laid_out(s.upstream, E, s.upstream_copy);
  }

  Columns<M> normal(const T* x, const Moments<T>* moments, const T* weight, const T* bias) const {
    layer_norm(x, tokens, rows, b.e, moments, weight, bias, s.normal);
    phase_ended(Phase::norm);
    return laid_out(s.normal, E, s.normal_copy);
  }

  void feed_forward(const T* middle, const Moments<T>* moments, const M* hidden, int64_t hidden_rows,
                    const T* grad_out, T* grad_middle) const {
    const int64_t H = padded(b.h), even = (b.e + 1) / 2 * 2;
    const Columns<M> upstream = site(1, grad_out, sums.output_bias);
    const Columns<M> inputs =
        normal(middle, moments, w.vectors.feed_forward_norm_weight, w.vectors.feed_forward_norm_bias);
    const auto* output = static_cast<const Packed<M>*>(w.output);
    for (int64_t p = 0; p < H; p += PANEL) {
      product<T, M, T>(s.upstream, E, rows, output + p * E, even, nullptr, false, s.grad_activation, PANEL);
      phase_ended(Phase::feed_forward);
      gelu_backward<T, M>(hidden + p * hidden_rows, s.grad_activation, rows, s.activation, s.grad_hidden,
                          sums.hidden_bias + p);
      phase_ended(Phase::gelu);
      add_outer_product(laid_out(s.activation, PANEL, s.copy), upstream, sums.output_weight + p * E);
      add_outer_product(laid_out(s.grad_hidden, PANEL, s.copy), inputs, sums.hidden_weight + p * E);
      multiply(s.grad_hidden, PANEL, PANEL, w.hidden, H, p, p > 0, s.grad_normal);
      phase_ended(Phase::feed_forward);
    }
    layer_norm_backward<T>(middle, tokens, rows, b.e, moments, w.vectors.feed_forward_norm_weight,
                           s.grad_normal, grad_out, grad_middle, sums.feed_forward_norm_weight,
                           sums.feed_forward_norm_bias);
    phase_ended(Phase::norm);
  }

  void projection(const M* attended, const T* grad_middle, M* grad_attended) const {
    const Columns<M> upstream = site(0, grad_middle, sums.projection_bias);
    add_outer_product(upstream, laid_out(attended, E, s.copy), sums.projection_weight);
    multiply(s.upstream, E, (b.e + 1) / 2 * 2, w.projection, E, 0, false, grad_attended);
    phase_ended(Phase::projection);
  }

  // grad_x holds the gradient of the residual, and gets the whole
  void query_key_value(const Moments<T>* moments, const M* const (&grads)[3], T* grad_x) const {
    const Columns<M> inputs =
        normal(b.x, moments, w.vectors.attention_norm_weight, w.vectors.attention_norm_bias);
    const void* const packed[3] = {w.query, w.key, w.value};
    for (int i = 0; i < 3; ++i) {
      add_column_sums(grads[i], rows, E, sums.query_key_value_bias + i * E);
      phase_ended(Phase::residual);
      add_outer_product(laid_out(grads[i], E, s.copy), inputs, sums.query_key_value_weight + i * E * E);
      multiply(grads[i], E, (b.e + 1) / 2 * 2, packed[i], E, 0, i > 0, s.grad_normal);
      phase_ended(Phase::query_key_value);
    }
    layer_norm_backward<T>(b.x, tokens, rows, b.e, moments, w.vectors.attention_norm_weight,
                           s.grad_normal, grad_x, grad_x, sums.attention_norm_weight,
                           sums.attention_norm_bias);
    phase_ended(Phase::norm);
  }
};

}  // namespace

template <class T, class M>
int64_t backward_scratch(const Block<T>& b, int64_t rows, int64_t longest) {
  Arena arena{nullptr};
  scratch_in<T, M>(arena, b, rows, longest);
  return arena.used;
}

template <class T, class M>
void backward_tile(const Block<T>& b, const PackedWeights<T>& w, const Tile& tile,
                   const Saved<T, M>& saved, const T* middle, const T* grad_out, T* grad_x,
                   const Weights<T*>& sums, void* scratch) {
  const int64_t E = padded(b.e), step = rows_at_once(tile.rows);
  int64_t sequences = 0, longest = 0;
  for (const Item* item = tile.items; item < tile.items + tile.item_count; ++item) {
    const int64_t length = b.over_samples ? item->N : item->d;
    sequences += b.over_samples ? item->d : item->N;
    longest = length > longest ? length : longest;
  }
  Arena arena{static_cast<char*>(scratch)};
  const Scratch<T, M> s = scratch_in<T, M>(arena, b, tile.rows, longest);
  const auto each_block = [&](auto phase) {
    for (int64_t first = 0; first < tile.rows; first += step) {
      const int64_t rows = tile.rows - first < step ? tile.rows - first : step;
      phase(Rows<T, M>{b, w, sums, s, tile.tokens + first, rows, E}, first);
    }
  };
  each_block([&](const Rows<T, M>& r, int64_t first) {
    r.feed_forward(middle, saved.middle_moments + first, saved.hidden + first * PANEL, tile.rows,
                   grad_out, grad_x);
    r.projection(saved.attended + first * E, grad_x, s.grad_attended + first * E);
  });
  attention_backward<T, M>(tile, 0, sequences, saved.query, saved.key, saved.value, saved.attended,
                           saved.log_sums, s.grad_attended, s.grad_query, s.grad_key, s.grad_value,
                           s.attention);
  phase_ended(Phase::attention);
  each_block([&](const Rows<T, M>& r, int64_t first) {
    r.query_key_value(saved.moments + first,
                      {s.grad_query + first * E, s.grad_key + first * E, s.grad_value + first * E}, grad_x);
  });
}

#define ACTIVA_INSTANTIATE(T, M)                                                                 \
  template int64_t backward_scratch<T, M>(const Block<T>&, int64_t, int64_t);                    \
  template void backward_tile(const Block<T>&, const PackedWeights<T>&, const Tile&,             \
                              const Saved<T, M>&, const T*, const T*, T*, const Weights<T*>&, void*);
ACTIVA_INSTANTIATE(float, float)
ACTIVA_INSTANTIATE(float, Bfloat16)
ACTIVA_INSTANTIATE(double, double)

}  // namespace activa::ACTIVA_ISA
