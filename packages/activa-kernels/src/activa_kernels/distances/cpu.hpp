// Distances between samples on the CPU: the problems, and what each unit defines.
//
// cpu.cpp and transport.cpp split the work; the other units do the arithmetic and are compiled once
// for each instruction set, in a namespace of its name. So a function in a header that they include
// must be `static`: one copy a unit. An inline one could be merged by the linker, which may keep the
// AVX-512 copy. For the same reason they use no templates of the C++ library.
#pragma once

#include <cstdint>

namespace activa {

// P pairs of samples, row-major and contiguous: x (P, n, d), y (P, m, d), a (P, n), b (P, m). The
// strides of a and b are n and m, or 0 where all pairs have the same weights.
template <class T>
struct SamplePairs {
  int64_t P, n, m, d;
  const T *x, *y;
  const double *a, *b;
  int64_t a_stride, b_stride;
};

// out (P, 3, max(K, 1)): the sums of a_i b_j r, a_i a_i' r and b_j b_j' r, or for K > 0 bandwidths
// (P, K) those of exp(-r^2 / (2 s^2)). NaN for a pair that is not finite.
template <class T>
void distance_terms(const SamplePairs<T>&, const double* bandwidths, int64_t K, double* out,
                    const char* isa, int threads);

// out (P): the median distance of all pairs of rows (P, N, d); see op.py.
template <class T>
void pooled_median(const T* rows, int64_t P, int64_t N, int64_t d, bool or_mean, double* out,
                   const char* isa, int threads);

// out (P, K): w'Dw for each w of forms (K, N), or w'Gw of the kernel with bandwidths (P).
template <class T>
void quadratic_forms(const T* rows, int64_t P, int64_t N, int64_t d, const double* forms, int64_t K,
                     const double* bandwidths, double* out, const char* isa, int threads);

// out (P, n): the column of each row of cost (P, n, n); -1 for a matrix that is not finite.
void assignment(const double* cost, int64_t P, int64_t n, int64_t* out, const char* isa,
                int threads);

// Least costs (P) of moving a (P, n) to b (P, m), of equal totals, and the plans (P, n, m) unless
// that is null. Returns the first pair for which the search did not end, or -1.
int64_t transport(const double* cost, const double* a, const double* b, int64_t P, int64_t n,
                  int64_t m, double* out, double* plan, const char* isa, int threads);

// The same for the costs r^p; T is the type of the samples.
template <class T>
int64_t wasserstein_power(const SamplePairs<T>&, double p, double* out, const char* isa,
                          int threads);

// Below: what the units compute, of one pair or a part of it. Sizes of the parts:
constexpr int64_t GROUP = 4;         // rows whose distances to a column are computed side by side
constexpr int64_t DIAGONAL = 16;     // columns of the block on the diagonal that is not doubled
constexpr int64_t TILE = 256;        // columns that are transposed at once
constexpr int64_t BLOCK = 64;        // rows and columns of a block of `add_forms`
constexpr int64_t FORMS = 32;        // vectors w that lie side by side

[[maybe_unused]] static int64_t rounded_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// What is summed: r, exp(-scale r^2), or whether r is 0.
enum class Value { distance, gaussian, equal };

// The weighted sum over rows [first, last) of x and all rows of y; `first` is a multiple of DIAGONAL.
// `within`: y is x, and the pairs below the block on the diagonal are left out, those above doubled.
template <class T>
struct SumTask {
  const T *x, *y;
  const double *a, *b;
  int64_t first, last, m, d;
  Value value;
  double scale;
  bool within;
};

// Quadratic forms over rows [first, last), at most BLOCK, and all columns from `first` on. `forms` is
// (panels, padded, FORMS): N rows, GROUP - 1 or more of zeros, and zeros for k >= K.
template <class T>
struct FormTask {
  const T* rows;
  int64_t first, last, N, d;
  const double* forms;
  int64_t K, padded;
  Value value;
  double scale;
};

// An assignment problem of n rows and columns: costs (n, width) with infinity beyond column n, where
// width is a multiple of DIAGONAL. The other arrays hold `width` numbers each and need no values;
// row_of and column_of are the answer.
struct Assignment {
  int64_t n, width;
  const double* cost;
  double *prices, *distance, *shut;
  double* from_row;
  int64_t *row_of, *column_of, *open, *done;
};

#define ACTIVA_DECLARE(ISA)                                                                        \
  namespace ISA {                                                                                  \
  float largest_magnitude(const float*, int64_t count); /* infinite if one is not finite */        \
  double largest_magnitude(const double*, int64_t count);                                          \
  template <class T>                                                                               \
  double weighted_sum(const SumTask<T>&, T* columns /* d TILE */, double* weights /* TILE */);     \
  /* Squared distances of rows [first, last) to all later ones; at most LANES more are written. */  \
  template <class T>                                                                               \
  int64_t pair_squares(const T* rows, const T* columns /* (d, width), width >= N + LANES */,       \
                       int64_t width, int64_t N, int64_t d, int64_t first, int64_t last, T* out);  \
  /* Copies what is in [low, high] and counts what is below; out holds LANES more than n. */       \
  template <class T>                                                                               \
  int64_t collect_between(const T* values, int64_t n, T low, T high, T* out, int64_t* below);      \
  /* The value of a rank from 0, how many are below it; scratch holds LANES more than n. */        \
  template <class T>                                                                               \
  T select(const T* values, int64_t n, int64_t rank, T* scratch, int64_t* below);                  \
  template <class T>                                                                               \
  T largest_below(const T* values, int64_t n, T value);                                            \
  /* columns (d, BLOCK), block (BLOCK, BLOCK); out (panels, FORMS) is added to. */                  \
  template <class T>                                                                               \
  void add_forms(const FormTask<T>&, T* columns, double* block, double* out);                      \
  /* Costs r^p of rows [first, last) of x and all of y (m, d), infinite beyond m: (n, width). */   \
  template <class T>                                                                               \
  void fill_costs(const T* x, const T* y, int64_t first, int64_t last, int64_t m, int64_t d,       \
                  double p, int64_t width, T* columns /* d TILE */, double* cost);                 \
  void assign(const Assignment&);                                                                  \
  /* The column with the least cost less price, and that difference. */                            \
  int64_t least_reduced(const double* cost, const double* prices, int64_t width, double* least);    \
  /* Columns of GROUP rows, each as `least_reduced` has it. */                                      \
  template <class T>                                                                               \
  void cheapest_of_group(const T* const* rows, const T* prices, int64_t width, int64_t* columns);   \
  }
ACTIVA_DECLARE(base)
#ifdef ACTIVA_X86
ACTIVA_DECLARE(avx2)
ACTIVA_DECLARE(avx512)
#endif
#undef ACTIVA_DECLARE

}  // namespace activa
