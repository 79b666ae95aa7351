// Medians of the distances of all pairs of rows. Of a large sample only a bracket around the median,
// which a few random pairs suggest, is ever held.
#include <algorithm>
#include <cmath>
#include <vector>

#include "../_native/pool.hpp"
#include "cpu.hpp"
#include "dispatch.hpp"
#include "ranges.hpp"

namespace activa {
namespace {

constexpr int64_t HELD = 1 << 20;   // distances that are held at once
constexpr int64_t SPARE = 64;       // values that the units may write beyond the end
constexpr double LEAST = 1e-15;     // below, the square of a float has lost digits

template <class T>
struct Buffers {
  std::vector<T> columns, values, scratch;
};

template <class T>
const T* transposed(const T* rows, int64_t N, int64_t d, int64_t width, std::vector<T>& columns) {
  columns.assign(d * width, 0);
  for (int64_t j = 0; j < N; ++j)
    for (int64_t k = 0; k < d; ++k) columns[k * width + j] = rows[j * d + k];
  return columns.data();
}

double middle(double low, double high) { return (std::sqrt(low) + std::sqrt(high)) / 2; }

template <class T>
double median_of_small(const T* rows, int64_t N, int64_t d, const DistanceKernels<T>& k, Buffers<T>& b) {
  const int64_t width = N + SPARE, count = N * (N - 1) / 2, rank = count / 2;
  const T* columns = transposed(rows, N, d, width, b.columns);
  b.values.resize(count + SPARE);
  b.scratch.resize(count + SPARE);
  k.pair_squares(rows, columns, width, N, d, 0, N, b.values.data());
  int64_t below;
  const T high = k.select(b.values.data(), count, rank, b.scratch.data(), &below);
  const bool alone = count % 2 == 0 && below == rank;  // the lower of two middle values is another one
  return middle(alone ? k.largest_below(b.values.data(), count, high) : high, high);
}

// Squared distances of `number` random pairs of rows, sorted.
template <class T>
std::vector<T> sample_of(const T* rows, int64_t N, int64_t d, int64_t number) {
  std::vector<T> out(number);
  uint64_t state = 1;  // a linear congruential generator will do: the result does not depend on it
  const auto draw = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return int64_t((state >> 33) % uint64_t(N));
  };
  for (T& value : out) {
    int64_t i = draw(), j = draw();
    while (j == i) j = draw();
    value = 0;
    for (int64_t c = 0; c < d; ++c) {
      const T delta = rows[i * d + c] - rows[j * d + c];
      value += delta * delta;
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

template <class T>
double median_of_large(const T* rows, int64_t N, int64_t d, const DistanceKernels<T>& k, int threads) {
  const int64_t width = N + SPARE, count = N * (N - 1) / 2, rank = count / 2, number = 1 << 15;
  std::vector<T> columns;
  transposed(rows, N, d, width, columns);
  const std::vector<T> sample = sample_of(rows, N, d, number);
  const int64_t step = std::max<int64_t>(1, HELD / 4 / N), blocks = (N + step - 1) / step;
  for (int64_t margin = 500;; margin *= 8) {  // more than five standard deviations of the sample's rank
    const T low = margin < number / 2 ? sample[number / 2 - margin] : T(0);
    const T high = margin < number / 2 ? sample[number / 2 + margin] : T(INFINITY);
    std::vector<std::vector<T>> found(blocks);
    std::vector<int64_t> below(blocks);
    std::vector<Buffers<T>> buffers(threads);
    parallel_for(blocks, threads, [&](int64_t block, int slot) {
      Buffers<T>& b = buffers[slot];
      b.values.resize(step * N + SPARE);
      b.scratch.resize(step * N + SPARE);
      const int64_t last = std::min(N, (block + 1) * step);
      const int64_t n = k.pair_squares(rows, columns.data(), width, N, d, block * step, last, b.values.data());
      const int64_t inside = k.collect_between(b.values.data(), n, low, high, b.scratch.data(), &below[block]);
      found[block].assign(b.scratch.begin(), b.scratch.begin() + inside);
    });
    std::vector<T> inside;
    int64_t under = 0;
    for (int64_t block = 0; block < blocks; ++block) {
      under += below[block];
      inside.insert(inside.end(), found[block].begin(), found[block].end());
      found[block] = {};
    }
    const int64_t lower = (count - 1) / 2 - under, upper = rank - under;
    if (lower < 0 || upper >= int64_t(inside.size())) continue;
    std::nth_element(inside.begin(), inside.begin() + upper, inside.end());
    const T top = inside[upper];
    return middle(lower == upper ? top : *std::max_element(inside.begin(), inside.begin() + upper), top);
  }
}

double mean_of_positive(const double* rows, int64_t N, int64_t d) {
  double sum = 0;
  int64_t positive = 0;
  for (int64_t i = 0; i < N; ++i)
    for (int64_t j = i + 1; j < N; ++j) {
      double square = 0;
      for (int64_t c = 0; c < d; ++c) {
        const double delta = rows[i * d + c] - rows[j * d + c];
        square += delta * delta;
      }
      sum += std::sqrt(square);
      positive += square > 0;
    }
  return positive ? sum / double(positive) : 0.0;
}

template <class T>
double median_of(const T* rows, int64_t N, int64_t d, const DistanceKernels<T>& k, Buffers<T>& b, int threads) {
  return N * (N - 1) / 2 <= HELD ? median_of_small(rows, N, d, k, b) : median_of_large(rows, N, d, k, threads);
}

}  // namespace

template <class T>
void pooled_median(const T* rows, int64_t P, int64_t N, int64_t d, bool or_mean, double* out,
                   const char* isa, int threads) {
  const DistanceKernels<T> k = distance_kernels<T>(isa);
  const DistanceKernels<double> wide = distance_kernels<double>(isa);
  const auto one = [&](int64_t p, Buffers<T>& buffers, int inner) {
    const T* sample = rows + p * N * d;
    const Range range = range_of(k.largest_magnitude(sample, N * d));
    if (range == Range::infinite) return std::nan("");
    if (N == 1) return 0.0;
    if (range == Range::usual) {
      const double median = median_of(sample, N, d, k, buffers, inner);
      if (median > LEAST) return median;
    }
    const std::vector<double> widened(sample, sample + N * d);
    Buffers<double> wider;
    const double median = median_of(widened.data(), N, d, wide, wider, inner);
    return median == 0 && or_mean ? mean_of_positive(widened.data(), N, d) : median;
  };
  const int64_t count = N * (N - 1) / 2;
  if (count > HELD) {  // pairs one after another, each by all threads
    Buffers<T> buffers;
    for (int64_t p = 0; p < P; ++p) out[p] = one(p, buffers, threads);
    return;
  }
  if (count * P < 20'000) threads = 1;
  const int64_t chunk = std::max<int64_t>(1, 10'000 / (count + 1));
  std::vector<Buffers<T>> buffers(threads);
  parallel_for((P + chunk - 1) / chunk, threads, [&](int64_t task, int slot) {
    for (int64_t p = task * chunk; p < std::min(P, (task + 1) * chunk); ++p) out[p] = one(p, buffers[slot], 1);
  });
}

template void pooled_median<float>(const float*, int64_t, int64_t, int64_t, bool, double*, const char*, int);
template void pooled_median<double>(const double*, int64_t, int64_t, int64_t, bool, double*, const char*, int);

}  // namespace activa
