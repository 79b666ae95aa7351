// What is done for every row: its log density, its gradient, and its part in the sums over rows.
// LANES rows go side by side, so that the innermost loops are the same for any d and r.
#include <math.h>  // the C functions, for a template of the C++ library could be merged across units

#include "cpu.hpp"

#define EACH_LANE for (int64_t l = 0; l < LANES; ++l)

namespace activa::ACTIVA_ISA {
namespace {

// Scratch of one thread; each is (size, LANES).
struct Rows {
  double* delta;   // (d) x - mu; low rank: over sqrt(diagonal)
  double* z;       // (d) full: L^-1 delta. Low rank: what the factors leave of delta
  double* solved;  // (d) Sigma^-1 (x - mu)
  double* grad;    // (d) of x
  double* along;   // (r) low rank: coordinates of delta in the factors
  double* terms;   // (C)
  double* total;   // (1) log sum exp of the terms
  double* top;     // (1)
};

Rows rows_in(double* p, int64_t C, int64_t d, int64_t r) {
  const int64_t D = d * LANES;
  double *along = p + 4 * D, *terms = along + r * LANES, *total = terms + C * LANES;
  return {p, p + D, p + 2 * D, p + 3 * D, along, terms, total, total + LANES};
}

void clear(double* p, int64_t n) {
  for (int64_t i = 0; i < n; ++i) p[i] = 0;
}

// out_i = sum_j matrix_ij in_j for j in [from, to), a row a lane
inline void product(const double* matrix, int64_t stride, int64_t from, int64_t to,
                    const double* in, double* out) {
  double sum[LANES] = {};
  for (int64_t j = from; j < to; ++j) {
    const double weight = matrix[j * stride];
    EACH_LANE sum[l] += weight * in[j * LANES + l];
  }
  EACH_LANE out[l] = sum[l];
}

// Fills delta, z and along of one component, and its term.
template <class T>
void term(const Mixture<T>& m, int64_t b, int64_t c, int64_t first, int64_t count,
          const Component& k, const Rows& s, double* out) {
  const int64_t d = m.d, r = m.r;
  const T *x = m.x + (b * m.N + first) * d, *mean = m.means + (b * m.C + c) * d;
  double energy[LANES] = {};
  for (int64_t i = 0; i < d; ++i) {
    const double mu = mean[i], scale = is_full(d, r) ? 1.0 : k.scale[i];
    EACH_LANE s.delta[i * LANES + l] = l < count ? (double(x[l * d + i]) - mu) * scale : 0.0;
  }
  for (int64_t a = 0; !is_full(d, r) && a < r; ++a) {
    double* along = s.along + a * LANES;
    product(k.left + a * d, 1, 0, d, s.delta, along);
    EACH_LANE energy[l] += along[l] * along[l];
  }
  for (int64_t i = 0; i < d; ++i) {
    double* z = s.z + i * LANES;
    if (is_full(d, r)) {
      product(k.left + i * d, 1, 0, i + 1, s.delta, z);
    } else {
      product(k.right + i * r, 1, 0, r, s.along, z);
      EACH_LANE z[l] = s.delta[i * LANES + l] - z[l];
    }
    EACH_LANE energy[l] += z[l] * z[l];
  }
  EACH_LANE out[l] = *k.constant - 0.5 * energy[l];
}

// The C terms of up to LANES rows and the logarithm of the sum of their exponentials.
template <class T>
void log_sum(const Mixture<T>& m, int64_t b, int64_t first, int64_t count, double* components,
             const Rows& s) {
  EACH_LANE s.top[l] = -INFINITY;
  for (int64_t c = 0; c < m.C; ++c) {
    double* t = s.terms + c * LANES;
    term(m, b, c, first, count, component_at(components + c * component_size(m.d, m.r), m.d, m.r),
         s, t);
    EACH_LANE s.top[l] = t[l] > s.top[l] || t[l] != t[l] ? t[l] : s.top[l];  // a NaN stays
  }
  for (int64_t l = 0; l < count; ++l) {
    double sum = 0;
    for (int64_t c = 0; c < m.C; ++c) sum += exp(s.terms[c * LANES + l] - s.top[l]);
    s.total[l] = s.top[l] == -INFINITY ? s.top[l] : s.top[l] + log(sum);
  }
}

// sum over lanes of p q, in a fixed order
inline double dot(const double* p, const double* q) {
  double part[LANES];
  EACH_LANE part[l] = p[l] * q[l];
  for (int64_t half = LANES / 2; half > 0; half /= 2)
    for (int64_t l = 0; l < half; ++l) part[l] += part[l + half];
  return part[0];
}

// Adds the rows to the sums of a component, and to the gradient of x.
void accumulate(int64_t d, int64_t r, const Component& k, const Rows& s, const double* h,
                Partial sum) {
  double ones[LANES], weighted[LANES];
  EACH_LANE ones[l] = 1;
  *sum.weight += dot(h, ones);
  for (int64_t i = 0; i < d; ++i) {
    const double* z = s.z + i * LANES;
    double *solved = s.solved + i * LANES, *grad = s.grad + i * LANES;
    EACH_LANE weighted[l] = h[l] * z[l];
    if (is_full(d, r)) {
      product(k.left + i, d, i, d, s.z, solved);
      for (int64_t j = 0; j <= i; ++j) sum.outer[i * d + j] += dot(weighted, s.z + j * LANES);
    } else {
      EACH_LANE solved[l] = z[l] * k.scale[i];
      for (int64_t a = 0; a < r; ++a) sum.outer[i * r + a] += dot(weighted, s.along + a * LANES);
      sum.squares[i] += dot(weighted, z);
    }
    sum.mean[i] += dot(h, solved);
    EACH_LANE grad[l] -= h[l] * solved[l];
  }
}

}  // namespace

template <class T>
void forward_rows(const Mixture<T>& m, int64_t b, int64_t first, int64_t last, double* components,
                  T* out, double* scratch) {
  const Rows s = rows_in(scratch, m.C, m.d, m.r);
  for (int64_t n = first; n < last; n += LANES) {
    const int64_t count = last - n < LANES ? last - n : LANES;
    log_sum(m, b, n, count, components, s);
    for (int64_t l = 0; l < count; ++l) out[b * m.N + n + l] = T(s.total[l]);
  }
}

template <class T>
void backward_rows(const Mixture<T>& m, int64_t b, int64_t first, int64_t last, double* components,
                   const T* grad_out, T* grad_x, double* partials, double* scratch) {
  const Rows s = rows_in(scratch, m.C, m.d, m.r);
  const int64_t size = partial_size(m.d, m.r);
  clear(partials, m.C * size);
  for (int64_t n = first; n < last; n += LANES) {
    const int64_t count = last - n < LANES ? last - n : LANES, row = b * m.N + n;
    log_sum(m, b, n, count, components, s);
    clear(s.grad, m.d * LANES);
    for (int64_t c = 0; c < m.C; ++c) {
      const Component k = component_at(components + c * component_size(m.d, m.r), m.d, m.r);
      double *t = s.terms + c * LANES, h[LANES] = {};
      for (int64_t l = 0; l < count; ++l) h[l] = double(grad_out[row + l]) * exp(t[l] - s.total[l]);
      term(m, b, c, n, count, k, s, t);  // again: only one component's z is kept
      accumulate(m.d, m.r, k, s, h, partial_at(partials + c * size, m.d, m.r));
    }
    for (int64_t l = 0; l < count; ++l)
      for (int64_t i = 0; i < m.d; ++i) grad_x[(row + l) * m.d + i] = T(s.grad[i * LANES + l]);
  }
}

#define ACTIVA_INSTANTIATE(T)                                                                   \
  template void forward_rows<T>(const Mixture<T>&, int64_t, int64_t, int64_t, double*, T*, double*); \
  template void backward_rows<T>(const Mixture<T>&, int64_t, int64_t, int64_t, double*, const T*,  \
                                 T*, double*, double*);
ACTIVA_INSTANTIATE(float)
ACTIVA_INSTANTIATE(double)

}  // namespace activa::ACTIVA_ISA
