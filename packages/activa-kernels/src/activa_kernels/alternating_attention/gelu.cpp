// The feed-forward's non-linearity x Phi(x), Phi the normal distribution function, and its slope.
#include "phases.hpp"
#include "vector.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// Phi(-|x|) and the density at x
template <class T>
struct Normal {
  Vector<T> tail, density;
};

constexpr double INVERSE_ROOT_2 = 0.70710678118654752, INVERSE_ROOT_2_PI = 0.39894228040143268;

ACTIVA_INLINE Normal<double> normal(Vector<double> x) {
  double lanes[LANES<double>], tail[LANES<double>], density[LANES<double>];
  memcpy(lanes, &x, sizeof x);
  for (int l = 0; l < LANES<double>; ++l) {
    tail[l] = 0.5 * erfc(fabs(lanes[l]) * INVERSE_ROOT_2);
    density[l] = INVERSE_ROOT_2_PI * exp(-0.5 * lanes[l] * lanes[l]);
  }
  return {load(tail), load(density)};
}

// Abramowitz and Stegun 7.1.26: the error of tail is below 1e-7.
ACTIVA_INLINE Normal<float> normal(Vector<float> x) {
  const Vector<float> size = larger(x, splat(0.0f) - x);
  const Vector<float> power = exponential(x * x * splat(-0.5f));
  const Vector<float> t = splat(1.0f) / (size * splat(float(0.3275911 * INVERSE_ROOT_2)) + splat(1.0f));
  Vector<float> p = splat(0.5f * 1.061405429f);
  p = p * t + splat(0.5f * -1.453152027f);
  p = p * t + splat(0.5f * 1.421413741f);
  p = p * t + splat(0.5f * -0.284496736f);
  p = p * t + splat(0.5f * 0.254829592f);
  return {p * t * power, power * splat(float(INVERSE_ROOT_2_PI))};
}

template <class T>
ACTIVA_INLINE Vector<T> value(Vector<T> x, const Vector<T>& tail) {
  const Vector<T> zero = splat(T(0)), size = larger(x, zero - x);
  return larger(x, zero) - size * tail;
}

}  // namespace

template <class T, class M>
void gelu(const M* hidden, int64_t count, M* out) {
  for (int64_t i = 0; i < count; i += LANES<T>) {
    const Vector<T> x = load(hidden + i);
    store(out + i, value<T>(x, normal(x).tail));
  }
}

template <class T, class M>
void gelu_backward(const M* hidden, const T* grad, int64_t rows, M* out, M* grad_hidden, T* grad_bias) {
  for (int64_t c = 0; c < PANEL; c += LANES<T>) {
    Vector<T> sum = load(grad_bias + c);
    for (int64_t i = c; i < rows * PANEL; i += PANEL) {
      const Vector<T> x = load(hidden + i);
      const Normal<T> n = normal(x);
      const Vector<T> below = where_negative(x, n.tail, splat(T(1)) - n.tail);
      const Vector<T> change = load(grad + i) * (below + x * n.density);
      store(out + i, value<T>(x, n.tail));
      store(grad_hidden + i, change);
      sum += change;
    }
    store(grad_bias + c, sum);
  }
}

template void gelu<float>(const float*, int64_t, float*);
template void gelu<float>(const Bfloat16*, int64_t, Bfloat16*);
template void gelu<double>(const double*, int64_t, double*);
template void gelu_backward(const float*, const float*, int64_t, float*, float*, float*);
template void gelu_backward(const Bfloat16*, const float*, int64_t, Bfloat16*, Bfloat16*, float*);
template void gelu_backward(const double*, const double*, int64_t, double*, double*, double*);

}  // namespace activa::ACTIVA_ISA
