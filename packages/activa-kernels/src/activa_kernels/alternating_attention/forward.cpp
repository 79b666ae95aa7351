// The forward pass of a tile, but for the attention between its two phases.
#include "phases.hpp"

namespace activa::ACTIVA_ISA {
namespace {

template <class T, class M>
struct Scratch {
  M* normal;      // (rows, E) the normalised rows
  T* values;      // (rows, E) what is added to the residual
  M *hidden, *activation;  // (rows, 64) of one panel of hidden units
};

template <class T, class M>
Scratch<T, M> scratch_in(Arena& arena, const Block<T>& b, int64_t rows) {
  const int64_t E = padded(b.e);
  return {arena.take<M>(rows * E), arena.take<T>(rows * E), arena.take<M>(rows * PANEL),
          arena.take<M>(rows * PANEL)};
}

// c = a w + bias for a of width e, with a packed (e, e) matrix
template <class T, class M, class S>
void square_product(const Block<T>& b, const M* a, int64_t rows, const void* packed, const T* bias, S* c) {
  const int64_t E = padded(b.e), even = (b.e + 1) / 2 * 2;
  const auto* panels = static_cast<const Packed<M>*>(packed);
  for (int64_t n = 0; n < E; n += PANEL)
    product<T, M, S>(a, E, rows, panels + n * E, even, bias + n, false, c + n, E);
}

}  // namespace

template <class T, class M>
int64_t forward_scratch(const Block<T>& b, int64_t rows) {
  Arena arena{nullptr};
  scratch_in<T, M>(arena, b, rows);
  return arena.used;
}

template <class T, class M>
void before_attention(const Block<T>& b, const PackedWeights<T>& w, const Tile& tile, int64_t first,
                      int64_t last, const Saved<T, M>& saved, void* scratch) {
  const int64_t rows = last - first, E = padded(b.e), *tokens = tile.tokens + first;
  Arena arena{static_cast<char*>(scratch)};
  const Scratch<T, M> s = scratch_in<T, M>(arena, b, rows);
  const T* bias = w.vectors.query_key_value_bias;
  moments_of(b.x, tokens, rows, b.e, saved.moments + first);
  layer_norm(b.x, tokens, rows, b.e, saved.moments + first, w.vectors.attention_norm_weight,
             w.vectors.attention_norm_bias, s.normal);
  phase_ended(Phase::norm);
  square_product(b, s.normal, rows, w.query, bias, saved.query + first * E);
  square_product(b, s.normal, rows, w.key, bias + E, saved.key + first * E);
  square_product(b, s.normal, rows, w.value, bias + 2 * E, saved.value + first * E);
  phase_ended(Phase::query_key_value);
}

template <class T, class M>
void after_attention(const Block<T>& b, const PackedWeights<T>& w, const Tile& tile, int64_t first,
                     int64_t last, const Saved<T, M>& saved, T* middle, T* out, void* scratch) {
  const int64_t rows = last - first, E = padded(b.e), H = padded(b.h), *tokens = tile.tokens + first;
  Arena arena{static_cast<char*>(scratch)};
  const Scratch<T, M> s = scratch_in<T, M>(arena, b, rows);
  square_product(b, saved.attended + first * E, rows, w.projection, w.vectors.projection_bias, s.values);
  phase_ended(Phase::projection);
  if (b.dropout[0].threshold) drop(b.dropout[0], tokens, rows, b.e, s.values, E);
  add_rows(s.values, b.x, tokens, rows, b.e, middle);
  phase_ended(Phase::residual);

  moments_of<T>(middle, tokens, rows, b.e, saved.middle_moments + first);
  layer_norm<T, M>(middle, tokens, rows, b.e, saved.middle_moments + first,
                   w.vectors.feed_forward_norm_weight, w.vectors.feed_forward_norm_bias, s.normal);
  phase_ended(Phase::norm);
  const auto *up = static_cast<const Packed<M>*>(w.hidden), *down = static_cast<const Packed<M>*>(w.output);
  for (int64_t p = 0; p < H; p += PANEL) {
    M* hidden = saved.hidden ? saved.hidden + p * tile.rows + first * PANEL : s.hidden;
    product<T, M, M>(s.normal, E, rows, up + p * E, (b.e + 1) / 2 * 2, w.vectors.hidden_bias + p, false,
                     hidden, PANEL);
    phase_ended(Phase::feed_forward);
    gelu<T, M>(hidden, rows * PANEL, s.activation);
    phase_ended(Phase::gelu);
    for (int64_t n = 0; n < E; n += PANEL)
      product<T, M, T>(s.activation, PANEL, rows, down + n * H + p * PANEL, PANEL,
                       p == 0 ? w.vectors.output_bias + n : nullptr, p > 0, s.values + n, E);
    phase_ended(Phase::feed_forward);
  }
  if (b.dropout[1].threshold) drop(b.dropout[1], tokens, rows, b.e, s.values, E);
  add_rows<T>(s.values, middle, tokens, rows, b.e, out);
  phase_ended(Phase::residual);
}

#define ACTIVA_INSTANTIATE(T, M)                                                                  \
  template int64_t forward_scratch<T, M>(const Block<T>&, int64_t);                               \
  template void before_attention(const Block<T>&, const PackedWeights<T>&, const Tile&, int64_t,  \
                                 int64_t, const Saved<T, M>&, void*);                             \
  template void after_attention(const Block<T>&, const PackedWeights<T>&, const Tile&, int64_t,   \
                                int64_t, const Saved<T, M>&, T*, T*, void*);
ACTIVA_INSTANTIATE(float, float)
ACTIVA_INSTANTIATE(float, Bfloat16)
ACTIVA_INSTANTIATE(double, double)

}  // namespace activa::ACTIVA_ISA
