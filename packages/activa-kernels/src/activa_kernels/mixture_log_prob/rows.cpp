// What is done for every row: its log density, its gradient, and its part in the sums over rows.
// LANES rows go side by side, so that the innermost loops are the same for any d and r.
#include <math.h>  // the C functions, for a template of the C++ library could be merged across units
#include <string.h>

#include "cpu.hpp"

#define EACH_LANE for (int64_t l = 0; l < LANES; ++l)

namespace activa::ACTIVA_ISA {
namespace {

// Scratch of one thread; each is (size, LANES).
struct Rows {
  double* x;       // (d)
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
  double *along = p + 5 * D, *terms = along + r * LANES, *total = terms + C * LANES;
  return {p, p + D, p + 2 * D, p + 3 * D, p + 4 * D, along, terms, total, total + LANES};
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

// Fills x from the rows that start at `rows`.
template <class T>
void load(const T* rows, int64_t count, int64_t d, const Rows& s) {
  for (int64_t l = 0; l < LANES; ++l)
    for (int64_t i = 0; i < d; ++i) s.x[i * LANES + l] = l < count ? double(rows[l * d + i]) : 0.0;
}

// Fills delta, z and along of one component from x, and its term.
template <class T>
void term(const T* mean, int64_t d, int64_t r, const Component& k, const Rows& s, double* out) {
  double energy[LANES] = {};
  for (int64_t i = 0; i < d; ++i) {
    const double mu = mean[i], scale = is_full(d, r) ? 1.0 : k.scale[i];
    EACH_LANE s.delta[i * LANES + l] = (s.x[i * LANES + l] - mu) * scale;
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

// exp(p - q) for p <= q, to 2e-16; 0 below -708. The C library's takes one number at a time.
inline void exp_of_difference(const double* p, const double* q, double* out) {
  constexpr double shift = 6755399441055744.0;  // 1.5 * 2^52: adding it leaves an integer in the low bits
  EACH_LANE {
    const double x = p[l] - q[l], moved = x * 1.4426950408889634074 + shift, n = moved - shift;
    const double y = (x - n * 0.69314718036912381649) - n * 1.9082149292705877e-10;
    double e = 1.6059043836821614599e-10;  // Taylor to y^13, |y| <= log(2) / 2
    e = e * y + 2.0876756987868098979e-9;
    e = e * y + 2.5052108385441718775e-8;
    e = e * y + 2.7557319223985890653e-7;
    e = e * y + 2.7557319223985892511e-6;
    e = e * y + 2.4801587301587301566e-5;
    e = e * y + 1.9841269841269841253e-4;
    e = e * y + 1.3888888888888889419e-3;
    e = e * y + 8.3333333333333332177e-3;
    e = e * y + 4.1666666666666664354e-2;
    e = e * y + 1.6666666666666665741e-1;
    e = e * y + 0.5;
    e = e * y + 1;
    e = e * y + 1;
    uint64_t bits;
    memcpy(&bits, &moved, 8);
    bits = (bits + 1023) << 52;  // 2^n
    double power;
    memcpy(&power, &bits, 8);
    out[l] = x < -708 ? 0.0 : e * power;
  }
}

// The C terms of the rows in x and the logarithm of the sum of their exponentials.
template <class T>
void log_sum(const Mixture<T>& m, int64_t b, double* components, const Rows& s) {
  EACH_LANE s.top[l] = -INFINITY;
  for (int64_t c = 0; c < m.C; ++c) {
    double* t = s.terms + c * LANES;
    term(m.means + (b * m.C + c) * m.d, m.d, m.r,
         component_at(components + c * component_size(m.d, m.r), m.d, m.r), s, t);
    EACH_LANE s.top[l] = t[l] > s.top[l] || t[l] != t[l] ? t[l] : s.top[l];  // a NaN stays
  }
  double sum[LANES] = {}, share[LANES];
  for (int64_t c = 0; c < m.C; ++c) {
    exp_of_difference(s.terms + c * LANES, s.top, share);
    EACH_LANE sum[l] += share[l];
  }
  EACH_LANE s.total[l] = sum[l] == 1 || s.top[l] == -INFINITY ? s.top[l] : s.top[l] + log(sum[l]);
}

// sum over lanes of p q
inline double dot(const double* p, const double* q) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  EACH_LANE sum += p[l] * q[l];
  return sum;
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
    load(m.x + (b * m.N + n) * m.d, count, m.d, s);
    log_sum(m, b, components, s);
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
    load(m.x + (b * m.N + n) * m.d, count, m.d, s);
    log_sum(m, b, components, s);
    clear(s.grad, m.d * LANES);
    for (int64_t c = 0; c < m.C; ++c) {
      const Component k = component_at(components + c * component_size(m.d, m.r), m.d, m.r);
      double *t = s.terms + c * LANES, h[LANES];
      exp_of_difference(t, s.total, h);
      EACH_LANE h[l] = l < count ? h[l] * double(grad_out[row + l]) : 0.0;
      term(m.means + (b * m.C + c) * m.d, m.d, m.r, k, s, t);  // again: only one component's z is kept
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
