// Splits sums over distances into tasks whose bounds depend on the shapes alone, so that results are
// the same for any number of threads.
#include "cpu.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "../_native/pool.hpp"
#include "dispatch.hpp"
#include "ranges.hpp"

namespace activa {
namespace {

constexpr int64_t ROWS = 256;      // of a sample in one task
constexpr int64_t CHUNK = 20'000;  // distances that are worth handing to a thread

// One of the sums of a pair: over rows [first, last) of x (or y) and all of the other.
template <class T>
double sum_of(const SamplePairs<T>& s, int64_t p, int term, int64_t first, Value value, double scale,
              const DistanceKernels<T>& k, std::vector<T>& columns, std::vector<double>& weights) {
  const int64_t n = term == 2 ? s.m : s.n, m = term == 1 ? s.n : s.m;
  const T *x = s.x + p * s.n * s.d, *y = s.y + p * s.m * s.d;
  const double *a = s.a + p * s.n, *b = s.b + p * s.m;
  const SumTask<T> task{term == 2 ? y : x, term == 1 ? x : y, term == 2 ? b : a, term == 1 ? a : b,
                        first, std::min(first + ROWS, n), m, s.d, value, scale, term != 0};
  columns.resize(s.d * TILE);
  weights.resize(TILE);
  return k.weighted_sum(task, columns.data(), weights.data());
}

// The pair p alone, in doubles.
template <class T>
struct Widened {
  Widened(const SamplePairs<T>& s, int64_t p)
      : x(s.x + p * s.n * s.d, s.x + (p + 1) * s.n * s.d),
        y(s.y + p * s.m * s.d, s.y + (p + 1) * s.m * s.d),
        pair{1, s.n, s.m, s.d, x.data(), y.data(), s.a + p * s.n, s.b + p * s.m} {}
  std::vector<double> x, y;
  SamplePairs<double> pair;
};

}  // namespace

template <class T>
void distance_terms(const SamplePairs<T>& s, const double* bandwidths, int64_t K, double* out,
                    const char* isa, int threads) {
  const DistanceKernels<T> k = distance_kernels<T>(isa);
  const DistanceKernels<double> wide = distance_kernels<double>(isa);
  const int64_t of_x = (s.n + ROWS - 1) / ROWS, of_y = (s.m + ROWS - 1) / ROWS;
  const int64_t pieces = 2 * of_x + of_y, values = std::max<int64_t>(K, 1);
  const int64_t work = (s.n + s.m) * (s.n + s.m) / 2 * values;
  if (work * s.P < 5 * CHUNK) threads = 1;

  // the state of each pair, then the sum of each piece of it
  std::vector<Range> ranges(s.P);
  std::vector<unsigned char> same(s.P);
  const int64_t pairs = std::max<int64_t>(1, CHUNK / ((s.n + s.m) * s.d));
  parallel_for((s.P + pairs - 1) / pairs, threads, [&](int64_t task, int) {
    for (int64_t p = task * pairs; p < std::min(s.P, (task + 1) * pairs); ++p) {
      const T *x = s.x + p * s.n * s.d, *y = s.y + p * s.m * s.d;
      const double *a = s.a + p * s.n, *b = s.b + p * s.m;
      ranges[p] = range_of(std::max(k.largest_magnitude(x, s.n * s.d), k.largest_magnitude(y, s.m * s.d)));
      if (!(std::max(wide.largest_magnitude(a, s.n), wide.largest_magnitude(b, s.m)) < INFINITY))
        ranges[p] = Range::infinite;
      same[p] = s.n == s.m && !std::memcmp(x, y, s.n * s.d * sizeof(T)) &&
                !std::memcmp(a, b, s.n * sizeof(double));
    }
  });
  std::vector<double> sums(s.P * pieces * values);
  const int64_t chunk = std::max<int64_t>(1, CHUNK * pieces / work);
  std::vector<std::vector<T>> columns(threads);
  std::vector<std::vector<double>> weights(threads), wide_columns(threads);
  parallel_for((s.P * pieces + chunk - 1) / chunk, threads, [&](int64_t task, int slot) {
    for (int64_t at = task * chunk; at < std::min(s.P * pieces, (task + 1) * chunk); ++at) {
      const int64_t p = at / pieces, piece = at % pieces;
      const int term = piece < of_x ? 1 : piece < 2 * of_x ? 0 : 2;
      if (ranges[p] == Range::infinite || (same[p] && term != 1)) continue;
      const int64_t first = (term == 1 ? piece : term == 0 ? piece - of_x : piece - 2 * of_x) * ROWS;
      for (int64_t i = 0; i < values; ++i) {
        const Kernel kernel = K ? kernel_of(bandwidths[p * K + i]) : Kernel{Value::distance, 0, Range::usual};
        double& sum = sums[at * values + i];
        if (ranges[p] == Range::usual && kernel.range == Range::usual) {
          sum = sum_of(s, p, term, first, kernel.value, kernel.scale, k, columns[slot], weights[slot]);
        } else {
          const Widened<T> widened(s, p);
          sum = sum_of(widened.pair, 0, term, first, kernel.value, kernel.scale, wide,
                       wide_columns[slot], weights[slot]);
        }
      }
    }
  });
  const auto add = [&](int64_t p, int64_t from, int64_t to, int64_t i) {
    double sum = 0;
    for (int64_t piece = from; piece < to; ++piece) sum += sums[(p * pieces + piece) * values + i];
    return sum;
  };
  for (int64_t p = 0; p < s.P; ++p)
    for (int64_t i = 0; i < values; ++i) {
      double* at = out + p * 3 * values + i;
      const bool known = ranges[p] != Range::infinite && !(K && std::isnan(bandwidths[p * K + i]));
      const double within = known ? add(p, 0, of_x, i) : std::nan("");
      at[0] = !known || same[p] ? within : add(p, of_x, 2 * of_x, i);
      at[values] = within;
      at[2 * values] = !known || same[p] ? within : add(p, 2 * of_x, pieces, i);
    }
}

template <class T>
void quadratic_forms(const T* rows, int64_t P, int64_t N, int64_t d, const double* forms, int64_t K,
                     const double* bandwidths, double* out, const char* isa, int threads) {
  const DistanceKernels<T> k = distance_kernels<T>(isa);
  const DistanceKernels<double> wide = distance_kernels<double>(isa);
  const int64_t panels = (K + FORMS - 1) / FORMS, padded = N + GROUP, pieces = (N + BLOCK - 1) / BLOCK;
  std::vector<double> packed(panels * padded * FORMS);
  for (int64_t i = 0; i < K; ++i)
    for (int64_t j = 0; j < N; ++j)
      packed[(i / FORMS * padded + j) * FORMS + i % FORMS] = forms[i * N + j];

  const int64_t work = N * N / 2 + N * N * K / 32 + 1, size = panels * FORMS;
  if (work * P < 5 * CHUNK) threads = 1;
  const int64_t chunk = std::max<int64_t>(1, CHUNK * pieces / work);
  std::vector<double> sums(P * pieces * size), blocks(threads * BLOCK * BLOCK), wide_columns(threads * d * BLOCK);
  std::vector<T> columns(threads * d * BLOCK);
  parallel_for((P * pieces + chunk - 1) / chunk, threads, [&](int64_t task, int slot) {
    double* block = blocks.data() + slot * BLOCK * BLOCK;
    for (int64_t at = task * chunk; at < std::min(P * pieces, (task + 1) * chunk); ++at) {
      const int64_t p = at / pieces, first = at % pieces * BLOCK, last = std::min(first + BLOCK, N);
      const T* sample = rows + p * N * d;
      const Range range = range_of(k.largest_magnitude(sample, N * d));
      const Kernel kernel = bandwidths ? kernel_of(bandwidths[p]) : Kernel{Value::distance, 0, Range::usual};
      double* sum = sums.data() + at * size;
      if (range == Range::infinite || (bandwidths && std::isnan(bandwidths[p]))) {
        std::fill(sum, sum + size, std::nan(""));
      } else if (range == Range::usual && kernel.range == Range::usual) {
        k.add_forms({sample, first, last, N, d, packed.data(), K, padded, kernel.value, kernel.scale},
                    columns.data() + slot * d * BLOCK, block, sum);
      } else {
        const std::vector<double> widened(sample, sample + N * d);
        wide.add_forms({widened.data(), first, last, N, d, packed.data(), K, padded, kernel.value, kernel.scale},
                       wide_columns.data() + slot * d * BLOCK, block, sum);
      }
    }
  });
  for (int64_t p = 0; p < P; ++p)
    for (int64_t i = 0; i < K; ++i) {
      double sum = 0;
      for (int64_t piece = 0; piece < pieces; ++piece) sum += sums[(p * pieces + piece) * size + i];
      out[p * K + i] = sum;
    }
}

#define ACTIVA_INSTANTIATE(T)                                                                     \
  template void distance_terms<T>(const SamplePairs<T>&, const double*, int64_t, double*,        \
                                  const char*, int);                                              \
  template void quadratic_forms<T>(const T*, int64_t, int64_t, int64_t, const double*, int64_t,   \
                                   const double*, double*, const char*, int);
ACTIVA_INSTANTIATE(float)
ACTIVA_INSTANTIATE(double)

}  // namespace activa
