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
struct Moments {
  T mean, scale;  // scale = 1 / standard deviation
};

template <class T>
ACTIVA_INLINE Moments<T> moments(const T* row, int64_t e) {
  Vector<T> sum = splat(T(0)), squares = splat(T(0));
  for (int64_t c = 0; c < e; c += LANES<T>) sum += deviations(row, e, c, T(0));
  const T mean = total(sum) / T(e);
  for (int64_t c = 0; c < e; c += LANES<T>) {
    const Vector<T> deviation = deviations(row, e, c, mean);
    squares += deviation * deviation;
  }
  return {mean, T(1) / T(sqrt(total(squares) / T(e) + T(EPSILON)))};
}

template <class T, class M>
ACTIVA_INLINE void normalise(const T* x, const int64_t* tokens, int64_t rows, int64_t e,
                             const T* weight, const T* bias, M* out) {
  for (int64_t r = 0; r < rows; ++r, out += padded(e)) {
    const T* row = x + tokens[r] * e;
    const Moments<T> m = moments(row, e);
    for (int64_t c = 0; c < padded(e); c += LANES<T>)
      store(out + c, deviations(row, e, c, m.mean) * splat(m.scale) * load(weight + c) + load(bias + c));
  }
}

template <class T>
ACTIVA_INLINE void back(const T* x, const int64_t* tokens, int64_t rows, int64_t e, const T* weight,
                        const T* grad, const T* residual, T* out, T* grad_weight, T* grad_bias) {
  for (int64_t r = 0; r < rows; ++r, grad += padded(e)) {
    const int64_t at = tokens[r] * e;
    const Moments<T> m = moments(x + at, e);
    Vector<T> sum = splat(T(0)), along = splat(T(0));  // of the incoming gradient, and along x
    for (int64_t c = 0; c < e; c += LANES<T>) {
      const Vector<T> normal = deviations(x + at, e, c, m.mean) * splat(m.scale), g = load(grad + c);
      const Vector<T> scaled = g * load(weight + c);
      sum += scaled;
      along += scaled * normal;
      store(grad_weight + c, load(grad_weight + c) + g * normal);
      store(grad_bias + c, load(grad_bias + c) + g);
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
}

}  // namespace

template <class T, class M>
void layer_norm(const T* x, const int64_t* tokens, int64_t rows, int64_t e, const T* weight,
                const T* bias, M* out) {
  if (e == PANEL) return normalise(x, tokens, rows, PANEL, weight, bias, out);  // a constant: unrolled
  normalise(x, tokens, rows, e, weight, bias, out);
}

template <class T>
void layer_norm_backward(const T* x, const int64_t* tokens, int64_t rows, int64_t e, const T* weight,
                         const T* grad, const T* residual, T* out, T* grad_weight, T* grad_bias) {
  if (e == PANEL)
    return back(x, tokens, rows, PANEL, weight, grad, residual, out, grad_weight, grad_bias);
  back(x, tokens, rows, e, weight, grad, residual, out, grad_weight, grad_bias);
}

template void layer_norm(const float*, const int64_t*, int64_t, int64_t, const float*, const float*,
                         float*);
template void layer_norm(const float*, const int64_t*, int64_t, int64_t, const float*, const float*,
                         Bfloat16*);
template void layer_norm(const double*, const int64_t*, int64_t, int64_t, const double*,
                         const double*, double*);
template void layer_norm_backward(const float*, const int64_t*, int64_t, int64_t, const float*,
                                  const float*, const float*, float*, float*, float*);
template void layer_norm_backward(const double*, const int64_t*, int64_t, int64_t, const double*,
                                  const double*, const double*, double*, double*, double*);

}  // namespace activa::ACTIVA_ISA
