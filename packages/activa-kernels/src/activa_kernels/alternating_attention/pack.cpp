// The weights of a call as products read them, once for all tiles.
#include "phases.hpp"
#include "vector.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// `value` as a number of type M
template <class M, class T>
ACTIVA_INLINE void convert(T value, T& out) {
  if constexpr (sizeof(M) == sizeof(T))
    out = value;
  else
    out = float_of(rounded(value));
}
template <class M>
ACTIVA_INLINE void convert(float value, Bfloat16& out) {
  out = rounded(value);
}

// Entry (k, n) of a (K, N) matrix is w[k * down + n * right].
template <class T>
struct Matrix {
  const T* w;
  int64_t K, N, down, right;
};

// Panels of (padded(K), 64), rows in pairs, (padded(K) / 2, 64, 2), where products take pairs.
template <class T, class M>
void* pack(const Matrix<T>& m, Arena& arena) {
  const int64_t depth = padded(m.K);
  Packed<M>* const packed = arena.take<Packed<M>>(depth * padded(m.N));
  for (int64_t panel = 0; packed && panel < padded(m.N); panel += PANEL)
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t n = 0; n < PANEL; ++n) {
        const bool inside = k < m.K && panel + n < m.N;
        const T value = inside ? m.w[k * m.down + (panel + n) * m.right] : T(0);
        const int64_t at = sizeof(Packed<M>) == 2 ? (k / 2 * PANEL + n) * 2 + k % 2 : k * PANEL + n;
        convert<M>(value, packed[panel * depth + at]);
      }
  return packed;
}

template <class T>
const T* pad(const T* vector, int64_t size, int64_t pieces, Arena& arena) {
  T* const out = arena.take<T>(pieces * padded(size));
  for (int64_t i = 0; out && i < pieces * padded(size); ++i) {
    const int64_t piece = i / padded(size), c = i % padded(size);
    out[i] = c < size ? vector[piece * size + c] : T(0);
  }
  return out;
}

}  // namespace

template <class T, class M>
int64_t pack_weights(const Block<T>& b, bool backward, void* memory, PackedWeights<T>* out) {
  const int64_t e = b.e, h = b.h;
  const Weights<const T*>& w = b.weights;
  Arena arena{static_cast<char*>(memory)};
  const T* const qkv = w.query_key_value_weight;
  const auto matrix = [&](const T* weight, int64_t outputs, int64_t inputs) {
    if (backward) return pack<T, M>({weight, outputs, inputs, inputs, 1}, arena);
    return pack<T, M>({weight, inputs, outputs, 1, inputs}, arena);
  };
  PackedWeights<T> packed{};
  Weights<const T*>& v = packed.vectors;
  v.attention_norm_weight = pad(w.attention_norm_weight, e, 1, arena);
  v.attention_norm_bias = pad(w.attention_norm_bias, e, 1, arena);
  v.query_key_value_bias = pad(w.query_key_value_bias, e, 3, arena);
  v.projection_bias = pad(w.projection_bias, e, 1, arena);
  v.feed_forward_norm_weight = pad(w.feed_forward_norm_weight, e, 1, arena);
  v.feed_forward_norm_bias = pad(w.feed_forward_norm_bias, e, 1, arena);
  v.hidden_bias = pad(w.hidden_bias, h, 1, arena);
  v.output_bias = pad(w.output_bias, e, 1, arena);
  packed.query = matrix(qkv, e, e);
  packed.key = matrix(qkv + e * e, e, e);
  packed.value = matrix(qkv + 2 * e * e, e, e);
  packed.projection = matrix(w.projection_weight, e, e);
  packed.hidden = matrix(w.hidden_weight, h, e);
  packed.output = matrix(w.output_weight, e, h);
  if (out) *out = packed;
  return arena.used;
}

template int64_t pack_weights<float, float>(const Block<float>&, bool, void*, PackedWeights<float>*);
template int64_t pack_weights<float, Bfloat16>(const Block<float>&, bool, void*, PackedWeights<float>*);
template int64_t pack_weights<double, double>(const Block<double>&, bool, void*, PackedWeights<double>*);

}  // namespace activa::ACTIVA_ISA
