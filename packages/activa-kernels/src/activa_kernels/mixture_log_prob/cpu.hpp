// The mixture log density on the CPU: problem, memory layout, and what each unit defines.
//
// cpu.cpp splits the work; components.cpp and rows.cpp do the arithmetic and are compiled once for
// each instruction set, in a namespace of its name. So a function in this header must be `static`:
// one copy a unit. An inline one could be merged by the linker, which may keep the AVX-512 copy.
#pragma once

#include <cstdint>

namespace activa {

// Row-major and contiguous: x (B, N, d), log_weights (B, C), means (B, C, d), factors (B, C, d, r),
// diagonal (B, C, d).
template <class T>
struct Mixture {
  int64_t B, N, C, d, r;
  const T *x, *log_weights, *means, *factors, *diagonal;
};

template <class T>
struct MixtureGradients {
  T *x, *log_weights, *means, *factors, *diagonal;  // shaped as in Mixture
};

template <class T>
void mixture_forward(const Mixture<T>&, T* out, const char* isa, int threads);

template <class T>
void mixture_backward(const Mixture<T>&, const T* grad_out, const MixtureGradients<T>&,
                      const char* isa, int threads);

// Below: in doubles. "Full" is rank r >= d, by the Cholesky factor of Sigma; else "low rank".
constexpr int64_t LANES = 16;  // rows that are computed side by side

[[maybe_unused]] static bool is_full(int64_t d, int64_t r) { return r >= d; }

// A component once factorised.
struct Component {
  double* constant;  // what a term has beside its energy
  double* left;      // full: L^-1 (d, d), lower. Low rank: (I + v'v)^-1 v' (r, d)
  double* right;     // low rank: v = u / sqrt(diagonal) (d, r)
  double* scale;     // low rank: 1 / sqrt(diagonal) (d)
};

[[maybe_unused]] static int64_t component_size(int64_t d, int64_t r) {
  return is_full(d, r) ? 1 + d * d : 1 + 2 * d * r + d;
}

[[maybe_unused]] static Component component_at(double* p, int64_t d, int64_t r) {
  if (is_full(d, r)) return {p, p + 1, nullptr, nullptr};
  return {p, p + 1, p + 1 + d * r, p + 1 + 2 * d * r};
}

// Sums over rows that the gradients of one component need; h is the row's incoming gradient times
// the share of this component in the row's density, z the rows that `left` and `right` give.
struct Partial {
  double* weight;   // sum h
  double* mean;     // sum h Sigma^-1 (x - mu), (d)
  double* outer;    // full: sum h z z' (d, d), lower. Low rank: sum h z a' (d, r)
  double* squares;  // low rank: sum h z^2 (d)
};

[[maybe_unused]] static int64_t partial_size(int64_t d, int64_t r) {
  return is_full(d, r) ? 1 + d + d * d : 1 + d + d * r + d;
}

[[maybe_unused]] static Partial partial_at(double* p, int64_t d, int64_t r) {
  return {p, p + 1, p + 1 + d, is_full(d, r) ? nullptr : p + 1 + d + d * r};
}

[[maybe_unused]] static int64_t scratch_size(int64_t C, int64_t d, int64_t r) {  // of one thread, for any phase
  const int64_t rows = (5 * d + r + C + 2) * LANES;
  const int64_t matrices = is_full(d, r) ? 2 * d * d + r : r * r;
  return rows > matrices ? rows : matrices;
}

#define ACTIVA_DECLARE(ISA)                                                                       \
  namespace ISA {                                                                                 \
  template <class T>                                                                              \
  void prepare(const Mixture<T>&, int64_t b, int64_t c, Component, double* scratch);              \
  template <class T>                                                                              \
  void forward_rows(const Mixture<T>&, int64_t b, int64_t first, int64_t last, double* components, \
                    T* out, double* scratch);                                                     \
  template <class T>                                                                              \
  void backward_rows(const Mixture<T>&, int64_t b, int64_t first, int64_t last,                   \
                     double* components, const T* grad_out, T* grad_x, double* partials,          \
                     double* scratch);                                                            \
  template <class T>                                                                              \
  void backward_component(const Mixture<T>&, int64_t b, int64_t c, Component, Partial,            \
                          const MixtureGradients<T>&, double* scratch);                           \
  }
ACTIVA_DECLARE(base)
#ifdef ACTIVA_X86
ACTIVA_DECLARE(avx2)
ACTIVA_DECLARE(avx512)
#endif
#undef ACTIVA_DECLARE

}  // namespace activa
