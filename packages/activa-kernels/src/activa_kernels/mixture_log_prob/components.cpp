// What is done once a component: its factorisation, and its gradients from the sums over rows.
//
// Everything is computed in double, for float input too: a covariance of condition 1e7 leaves no
// digit in single precision, and this is the small part. Algebra: README.md.
#include <math.h>  // the C functions, for a template of the C++ library could be merged across units

#include "cpu.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// Overwrites the lower triangle of a symmetric (n, n) with its Cholesky factor; returns log det.
// The matrix is S + diag(least), S >= 0: no pivot is below `least` unless rounding brought it there.
double cholesky(double* a, int64_t n, const double* least) {
  double log_det = 0;
  for (int64_t j = 0; j < n; ++j) {
    double pivot = a[j * n + j];
    for (int64_t k = 0; k < j; ++k) pivot -= a[j * n + k] * a[j * n + k];
    const double floor = least ? least[j] : 1.0;
    if (pivot < floor) pivot = floor;
    log_det += log(pivot);
    const double root = sqrt(pivot);
    a[j * n + j] = root;
    for (int64_t i = j + 1; i < n; ++i) {
      double sum = a[i * n + j];
      for (int64_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = sum / root;
    }
  }
  return log_det;
}

// left = L^-1 with L L' = u u' + diag(diagonal)
template <class T>
double prepare_full(const T* u, const T* diagonal, int64_t d, int64_t r, Component k, double* lower) {
  double* least = lower + d * d;  // (d)
  for (int64_t i = 0; i < d; ++i) {
    least[i] = diagonal[i];
    for (int64_t j = 0; j <= i; ++j) {
      const T *p = u + i * r, *q = u + j * r;
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t a = 0; a < r; ++a) sum += double(p[a]) * double(q[a]);
      lower[i * d + j] = i == j ? least[i] + sum : sum;
    }
  }
  const double log_det = cholesky(lower, d, least);
  for (int64_t j = 0; j < d; ++j)
    for (int64_t i = 0; i < d; ++i) {
      double sum = i == j ? 1.0 : 0.0;
      for (int64_t a = j; a < i; ++a) sum -= lower[i * d + a] * k.left[a * d + j];
      k.left[i * d + j] = i < j ? 0.0 : sum / lower[i * d + i];
    }
  return log_det;
}

// v = u / sqrt(diagonal), left = (I + v'v)^-1 v'
template <class T>
double prepare_low(const T* u, const T* diagonal, int64_t d, int64_t r, Component k, double* inner) {
  double log_det = 0;
  for (int64_t i = 0; i < d; ++i) {
    k.scale[i] = 1 / sqrt(double(diagonal[i]));
    log_det += log(double(diagonal[i]));
    for (int64_t a = 0; a < r; ++a) k.right[i * r + a] = k.scale[i] * u[i * r + a];
  }
  for (int64_t a = 0; a < r; ++a)
    for (int64_t c = 0; c <= a; ++c) {
      double sum = a == c ? 1.0 : 0.0;
      for (int64_t i = 0; i < d; ++i) sum += k.right[i * r + a] * k.right[i * r + c];
      inner[a * r + c] = sum;
    }
  log_det += cholesky(inner, r, nullptr);
  for (int64_t i = 0; i < d; ++i) {  // two triangular solves a column
    for (int64_t a = 0; a < r; ++a) {
      double sum = k.right[i * r + a];
      for (int64_t c = 0; c < a; ++c) sum -= inner[a * r + c] * k.left[c * d + i];
      k.left[a * d + i] = sum / inner[a * r + a];
    }
    for (int64_t a = r - 1; a >= 0; --a) {
      double sum = k.left[a * d + i];
      for (int64_t c = a + 1; c < r; ++c) sum -= inner[c * r + a] * k.left[c * d + i];
      k.left[a * d + i] = sum / inner[a * r + a];
    }
  }
  return log_det;
}

// grad u = G u and grad diagonal = diag(G) / 2, with G = L^-T (sum h z z' - sum h I) L^-1
template <class T>
void backward_full(const T* u, int64_t d, int64_t r, Component k, Partial sum, T* grad_u,
                   T* grad_diagonal, double* scratch) {
  double *half = scratch, *g = half + d * d, *total = g + d * d;
  for (int64_t i = 0; i < d; ++i)
    for (int64_t j = 0; j < d; ++j) {
      half[i * d + j] = -*sum.weight * k.left[i * d + j];
      for (int64_t a = j; a < d; ++a) {  // left is lower: a >= j
        const double outer = a <= i ? sum.outer[i * d + a] : sum.outer[a * d + i];
        half[i * d + j] += outer * k.left[a * d + j];
      }
    }
  for (int64_t i = 0; i < d; ++i)
    for (int64_t j = 0; j < d; ++j) {
      g[i * d + j] = 0;
      for (int64_t a = i; a < d; ++a) g[i * d + j] += k.left[a * d + i] * half[a * d + j];
    }
  for (int64_t i = 0; i < d; ++i) {
    grad_diagonal[i] = T(0.5 * g[i * d + i]);
    for (int64_t a = 0; a < r; ++a) total[a] = 0;
    for (int64_t j = 0; j < d; ++j)
      for (int64_t a = 0; a < r; ++a) total[a] += g[i * d + j] * double(u[j * r + a]);
    for (int64_t a = 0; a < r; ++a) grad_u[i * r + a] = T(total[a]);
  }
}

// grad u = (sum h z a' - sum h left') / sqrt(diagonal);
// grad diagonal = (sum h z^2 - sum h (1 - (v left)_ii)) / (2 diagonal)
template <class T>
void backward_low(int64_t d, int64_t r, Component k, Partial sum, T* grad_u, T* grad_diagonal) {
  for (int64_t i = 0; i < d; ++i) {
    double kept = 1;
    for (int64_t a = 0; a < r; ++a) {
      kept -= k.right[i * r + a] * k.left[a * d + i];
      const double total = sum.outer[i * r + a] - *sum.weight * k.left[a * d + i];
      grad_u[i * r + a] = T(k.scale[i] * total);
    }
    const double total = sum.squares[i] - *sum.weight * kept;
    grad_diagonal[i] = T(0.5 * k.scale[i] * k.scale[i] * total);
  }
}

}  // namespace

template <class T>
void prepare(const Mixture<T>& m, int64_t b, int64_t c, Component k, double* scratch) {
  const int64_t bc = b * m.C + c;
  const T *u = m.factors + bc * m.d * m.r, *diagonal = m.diagonal + bc * m.d;
  const double log_det = is_full(m.d, m.r) ? prepare_full(u, diagonal, m.d, m.r, k, scratch)
                                           : prepare_low(u, diagonal, m.d, m.r, k, scratch);
  const double log_2pi = 1.8378770664093454836;
  *k.constant = double(m.log_weights[bc]) - 0.5 * (log_det + m.d * log_2pi);
}

template <class T>
void backward_component(const Mixture<T>& m, int64_t b, int64_t c, Component k, Partial sum,
                        const MixtureGradients<T>& grad, double* scratch) {
  const int64_t bc = b * m.C + c;
  T *grad_u = grad.factors + bc * m.d * m.r, *grad_diagonal = grad.diagonal + bc * m.d;
  grad.log_weights[bc] = T(*sum.weight);
  for (int64_t i = 0; i < m.d; ++i) grad.means[bc * m.d + i] = T(sum.mean[i]);
  if (is_full(m.d, m.r)) {
    const T* u = m.factors + bc * m.d * m.r;
    backward_full(u, m.d, m.r, k, sum, grad_u, grad_diagonal, scratch);
  } else {
    backward_low(m.d, m.r, k, sum, grad_u, grad_diagonal);
  }
}

#define ACTIVA_INSTANTIATE(T)                                                               \
  template void prepare<T>(const Mixture<T>&, int64_t, int64_t, Component, double*);        \
  template void backward_component<T>(const Mixture<T>&, int64_t, int64_t, Component, Partial, \
                                      const MixtureGradients<T>&, double*);
ACTIVA_INSTANTIATE(float)
ACTIVA_INSTANTIATE(double)

}  // namespace activa::ACTIVA_ISA
