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

// What is looked at before a pair is summed.
struct State {
  Range range;
  bool same;  // equal samples have equal terms by their bits
};

template <class T>
State state_of(const SamplePairs<T>& s, int64_t p, const DistanceKernels<T>& k, const DistanceKernels<double>& wide) {
  const T *x = s.x + p * s.n * s.d, *y = s.y + p * s.m * s.d;
  const double *a = s.a + p * s.a_stride, *b = s.b + p * s.b_stride;
  const bool known = std::max(wide.largest_magnitude(a, s.n), wide.largest_magnitude(b, s.m)) < INFINITY;
  const T largest = std::max(k.largest_magnitude(x, s.n * s.d), k.largest_magnitude(y, s.m * s.d));
  return {known ? range_of(largest) : Range::infinite,
          s.n == s.m && !std::memcmp(x, y, s.n * s.d * sizeof(T)) && !std::memcmp(a, b, s.n * sizeof(double))};
}

// Of one thread; kept from one sum to the next.
template <class T>
struct Scratch {
  std::vector<T> columns;
  std::vector<double> wide_columns, weights;
};

// The pair p alone, in doubles.
template <class T>
struct Widened {
  Widened(const SamplePairs<T>& s, int64_t p)
      : x(s.x + p * s.n * s.d, s.x + (p + 1) * s.n * s.d),
        y(s.y + p * s.m * s.d, s.y + (p + 1) * s.m * s.d),
        pair{1, s.n, s.m, s.d, x.data(), y.data(), s.a + p * s.a_stride, s.b + p * s.b_stride, 0, 0} {}
  std::vector<double> x, y;
  SamplePairs<double> pair;
};

// Term 0, 1 or 2 of a pair, as far as rows [first, first + ROWS) of x (or y) and all of the other go.
template <class T>
double sum_of(const SamplePairs<T>& s, int64_t p, int term, int64_t first, const Kernel& kernel,
              const DistanceKernels<T>& k, std::vector<T>& columns, std::vector<double>& weights) {
  const int64_t n = term == 2 ? s.m : s.n, m = term == 1 ? s.n : s.m;
  const T *x = s.x + p * s.n * s.d, *y = s.y + p * s.m * s.d;
  const double *a = s.a + p * s.a_stride, *b = s.b + p * s.b_stride;
  const SumTask<T> task{term == 2 ? y : x, term == 1 ? x : y, term == 2 ? b : a, term == 1 ? a : b,
                        first, std::min(first + ROWS, n), m, s.d, kernel.value, kernel.scale, term != 0};
  columns.resize(s.d * TILE);
  weights.resize(TILE);
  return k.weighted_sum(task, columns.data(), weights.data());
}

// The sums of P pairs for each of K bandwidths, in pieces of ROWS rows: of x and x, of x and y, of y and y.
template <class T>
struct Terms {
  Terms(const SamplePairs<T>& pairs, const double* bandwidths, int64_t K, double* out, const char* isa)
      : s(pairs), bandwidths(bandwidths), K(K), values(std::max<int64_t>(K, 1)), out(out),
        of_x((s.n + ROWS - 1) / ROWS), pieces(2 * of_x + (s.m + ROWS - 1) / ROWS),
        k(distance_kernels<T>(isa)), wide(distance_kernels<double>(isa)) {}

  // sums (values)
  void add_piece(int64_t p, int64_t piece, const State& state, Scratch<T>& scratch, double* sums) const {
    const int term = piece < of_x ? 1 : piece < 2 * of_x ? 0 : 2;
    if (state.range == Range::infinite || (state.same && term != 1)) return;
    const int64_t first = (piece - (term == 1 ? 0 : term == 0 ? of_x : 2 * of_x)) * ROWS;
    for (int64_t i = 0; i < values; ++i) {
      const Kernel kernel = K ? kernel_of(bandwidths[p * K + i]) : Kernel{Value::distance, 0, Range::usual};
      if (state.range == Range::usual && kernel.range == Range::usual) {
        sums[i] = sum_of(s, p, term, first, kernel, k, scratch.columns, scratch.weights);
      } else {
        const Widened<T> widened(s, p);
        sums[i] = sum_of(widened.pair, 0, term, first, kernel, wide, scratch.wide_columns, scratch.weights);
      }
    }
  }

  // sums (pieces, values)
  void finish(int64_t p, const State& state, const double* sums) const {
    for (int64_t i = 0; i < values; ++i) {
      const auto add = [&](int64_t from, int64_t to) {
        double sum = 0;
        for (int64_t piece = from; piece < to; ++piece) sum += sums[piece * values + i];
        return sum;
      };
      double* at = out + p * 3 * values + i;
      const bool known = state.range != Range::infinite && !(K && std::isnan(bandwidths[p * K + i]));
      const double within = known ? add(0, of_x) : std::nan("");
      at[0] = !known || state.same ? within : add(of_x, 2 * of_x);
      at[values] = within;
      at[2 * values] = !known || state.same ? within : add(2 * of_x, pieces);
    }
  }

  const SamplePairs<T>& s;
  const double* bandwidths;
  int64_t K, values;
  double* out;
  int64_t of_x, pieces;
  DistanceKernels<T> k;
  DistanceKernels<double> wide;
};

}  // namespace

template <class T>
void distance_terms(const SamplePairs<T>& s, const double* bandwidths, int64_t K, double* out,
                    const char* isa, int threads) {
  const Terms<T> terms(s, bandwidths, K, out, isa);
  const int64_t size = terms.pieces * terms.values, work = (s.n + s.m) * (s.n + s.m) / 2 * terms.values;
  if (work * s.P < 5 * CHUNK) threads = 1;
  std::vector<Scratch<T>> scratch(threads);
  if (work <= CHUNK) {  // several pairs a task
    const int64_t chunk = CHUNK / std::max<int64_t>(work, 1);
    std::vector<std::vector<double>> sums(threads);
    parallel_for((s.P + chunk - 1) / chunk, threads, [&](int64_t task, int slot) {
      sums[slot].resize(size);
      for (int64_t p = task * chunk; p < std::min(s.P, (task + 1) * chunk); ++p) {
        const State state = state_of(s, p, terms.k, terms.wide);
        for (int64_t piece = 0; piece < terms.pieces; ++piece)
          terms.add_piece(p, piece, state, scratch[slot], sums[slot].data() + piece * terms.values);
        terms.finish(p, state, sums[slot].data());
      }
    });
    return;
  }
  std::vector<State> states(s.P);
  parallel_for(s.P, threads, [&](int64_t p, int) { states[p] = state_of(s, p, terms.k, terms.wide); });
  std::vector<double> sums(s.P * size);
  parallel_for(s.P * terms.pieces, threads, [&](int64_t at, int slot) {
    const int64_t p = at / terms.pieces;
    terms.add_piece(p, at % terms.pieces, states[p], scratch[slot], sums.data() + at * terms.values);
  });
  for (int64_t p = 0; p < s.P; ++p) terms.finish(p, states[p], sums.data() + p * size);
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
  // adds the forms over the rows from `first` on to sum (size)
  std::vector<double> blocks(threads * BLOCK * BLOCK), wide_columns(threads * d * BLOCK);
  std::vector<T> columns(threads * d * BLOCK);
  const auto add_block = [&](int64_t p, int64_t first, int slot, Range range, double* sum) {
    double* block = blocks.data() + slot * BLOCK * BLOCK;
    const T* sample = rows + p * N * d;
    const int64_t last = std::min(first + BLOCK, N);
    const Kernel kernel = bandwidths ? kernel_of(bandwidths[p]) : Kernel{Value::distance, 0, Range::usual};
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
  };
  const auto range = [&](int64_t p) { return range_of(k.largest_magnitude(rows + p * N * d, N * d)); };
  if (work <= 20 * CHUNK) {  // whole items, several a task
    const int64_t chunk = std::max<int64_t>(1, CHUNK / work);
    std::vector<double> sums(threads * size);
    parallel_for((P + chunk - 1) / chunk, threads, [&](int64_t task, int slot) {
      double* sum = sums.data() + slot * size;
      for (int64_t p = task * chunk; p < std::min(P, (task + 1) * chunk); ++p) {
        const Range of_item = range(p);
        std::fill(sum, sum + size, 0.0);
        for (int64_t first = 0; first < N; first += BLOCK) add_block(p, first, slot, of_item, sum);
        std::copy(sum, sum + K, out + p * K);
      }
    });
    return;
  }
  std::vector<double> sums(P * pieces * size);
  parallel_for(P * pieces, threads, [&](int64_t at, int slot) {
    add_block(at / pieces, at % pieces * BLOCK, slot, range(at / pieces), sums.data() + at * size);
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
