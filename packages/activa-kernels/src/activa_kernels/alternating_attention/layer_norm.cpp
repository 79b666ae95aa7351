// The normalisation before attention and feed-forward, from rows of x to those of a tile, and back.
//
// The variance is a mean of squared deviations, as in torch, not a difference of squares.
#include "phases.hpp"
#include "vector.hpp"

namespace activa::ACTIVA_ISA {
namespace {

constexpr double EPSILON = 1e-5;

// Deviations of a row from `mean`, from column c on; zero beyond e.
template <class T>
ACTIVA_INLINE Vector<T> deviations(const T* row, int64_t e, int64_t c, T mean) {
  if (e - c >= LANES<T>) return load(row + c) - splat(mean);
  T lanes[LANES<T>] = {};
  for (int64_t l = 0; c + l < e; ++l) lanes[l] = row[c + l] - mean;
  return load(lanes);
}

template <class T>
ACTIVA_INLINE void row_moments(const T* row, int64_t e, Moments<T>& out) {
  Vector<T> sum = splat(T(0)), squares = splat(T(0));
  for (int64_t c = 0; c < e; c += LANES<T>) sum += deviations(row, e, c, T(0));
  out.mean = total(sum) / T(e);
  for (int64_t c = 0; c < e; c += LANES<T>) {
    const Vector<T> deviation = deviations(row, e, c, out.mean);
    squares += deviation * deviation;
  }
  out.scale = T(1) / T(sqrt(total(squares) / T(e) + T(EPSILON)));
}

template <class T>
ACTIVA_INLINE void all_moments(const T* x, const int64_t* tokens, int64_t rows, int64_t e,
                               Moments<T>* out) {
  for (int64_t r = 0; r < rows; ++r) row_moments(x + tokens[r] * e, e, out[r]);
}

template <class T, class M>
ACTIVA_INLINE void normalise(const T* x, const int64_t* tokens, int64_t rows, int64_t e,
                             const Moments<T>* moments, const T* weight, const T* bias, M* out) {
  for (int64_t r = 0; r < rows; ++r, out += padded(e)) {
    const T *row = x + tokens[r] * e, mean = moments[r].mean;
    const Vector<T> scale = splat(moments[r].scale);
    for (int64_t c = 0; c < padded(e); c += LANES<T>)
      store(out + c, deviations(row, e, c, mean) * scale * load(weight + c) + load(bias + c));
  }
}

// WIDTH is e where that is known: then the sums over rows stay in registers.
template <int64_t WIDTH, class T>
ACTIVA_INLINE void back(const T* x, const int64_t* tokens, int64_t rows, int64_t e,
                        const Moments<T>* moments, const T* weight, const T* grad, const T* residual,
                        T* out, T* grad_weight, T* grad_bias) {
  constexpr int64_t VECTORS = WIDTH / LANES<T> + 1;
  Vector<T> weight_sums[VECTORS], bias_sums[VECTORS];
  for (int64_t v = 0; v < VECTORS; ++v) weight_sums[v] = bias_sums[v] = splat(T(0));
  for (int64_t r = 0; r < rows; ++r, grad += padded(e)) {
    const int64_t at = tokens[r] * e;
    const Moments<T> m = moments[r];
    Vector<T> sum = splat(T(0)), along = splat(T(0));  // of the incoming gradient, and along x
    for (int64_t c = 0; c < e; c += LANES<T>) {
      const Vector<T> normal = deviations(x + at, e, c, m.mean) * splat(m.scale), g = load(grad + c);
      const Vector<T> scaled = g * load(weight + c);
      sum += scaled;
      along += scaled * normal;
      if constexpr (WIDTH > 0) {
        weight_sums[c / LANES<T>] += g * normal;
        bias_sums[c / LANES<T>] += g;
      } else {
        store(grad_weight + c, load(grad_weight + c) + g * normal);
        store(grad_bias + c, load(grad_bias + c) + g);
      }
    }
    const Vector<T> mean = splat(total(sum) / T(e)), slope = splat(total(along) / T(e));
    for (int64_t c = 0; c < e; c += LANES<T>) {
      const Vector<T> normal = deviations(x + at, e, c, m.mean) * splat(m.scale);
      const Vector<T> change = (load(grad + c) * load(weight + c) - mean - normal * slope) * splat(m.scale);
      if (e - c >= LANES<T>)
        store(out + at + c, load(residual + at + c) + change);
      else
        store_some(out + at + c, e - c, load_some(residual + at + c, e - c) + change);
    }
  }
  for (int64_t c = 0; c < WIDTH; c += LANES<T>) {
    store(grad_weight + c, load(grad_weight + c) + weight_sums[c / LANES<T>]);
    store(grad_bias + c, load(grad_bias + c) + bias_sums[c / LANES<T>]);
  }
}

}  // namespace

// A width of 64 is a constant to the compiler, which then unrolls.
template <class T>
void moments_of(const T* x, const int64_t* tokens, int64_t rows, int64_t e, Moments<T>* out) {
  if (e == PANEL) return all_moments(x, tokens, rows, PANEL, out);
  all_moments(x, tokens, rows, e, out);
}

template <class T, class M>
void layer_norm(const T* x, const int64_t* tokens, int64_t rows, int64_t e, const Moments<T>* moments,
                const T* weight, const T* bias, M* out) {
  if (e == PANEL) return normalise(x, tokens, rows, PANEL, moments, weight, bias, out);
  normalise(x, tokens, rows, e, moments, weight, bias, out);
}

template <class T>
void layer_norm_backward(const T* x, const int64_t* tokens, int64_t rows, int64_t e,
                         const Moments<T>* moments, const T* weight, const T* grad, const T* residual,
                         T* out, T* grad_weight, T* grad_bias) {
  if (e == PANEL)
    return back<PANEL>(x, tokens, rows, PANEL, moments, weight, grad, residual, out, grad_weight, grad_bias);
  back<0>(x, tokens, rows, e, moments, weight, grad, residual, out, grad_weight, grad_bias);
}

#define ACTIVA_INSTANTIATE(T)                                                                       \
  template void moments_of(const T*, const int64_t*, int64_t, int64_t, Moments<T>*);                \
  template void layer_norm(const T*, const int64_t*, int64_t, int64_t, const Moments<T>*, const T*, \
                           const T*, T*);                                                           \
  template void layer_norm_backward(const T*, const int64_t*, int64_t, int64_t, const Moments<T>*,  \
                                    const T*, const T*, const T*, T*, T*, T*);
ACTIVA_INSTANTIATE(float)
ACTIVA_INSTANTIATE(double)
template void layer_norm(const float*, const int64_t*, int64_t, int64_t, const Moments<float>*,
                         const float*, const float*, Bfloat16*);

}  // namespace activa::ACTIVA_ISA
