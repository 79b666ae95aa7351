// Conditions one by one: outliers, library sizes, the percentile, dropouts and counts.
#include <algorithm>
#include <vector>

#include "../_native/pool.hpp"
#include "technical.hpp"

namespace activa {
namespace {

// Sites of rng.py.
constexpr uint32_t OUTLIER = 52, LIBRARY = 51, DROPOUT = 50, COUNT = 49;
constexpr uint32_t BRANCH = 1 << 14;

int64_t room(int64_t n) { return (n + ROOM - 1) / ROOM * ROOM; }

struct Functions {
  void (*uniforms)(const Place&, int64_t, float*);
  void (*log_normals)(const Place&, int64_t, float, float, float*);
  void (*drop)(const Dropout&, int64_t, const float*, float*);
  void (*poisson)(const Place&, int64_t, uint32_t*, float*);
};

class Worker {  // what one thread needs
 public:
  Worker(const Counts& problem, Functions functions)
      : p(problem), f(functions), n(p.K * p.d), uniform_(room(std::max(n, p.d))),
        factor_(room(p.d)), size_(room(p.K)), x_(room(n)), ordered_(n), entries_(n) {}

  void condition(int64_t m, int64_t r) {
    const double* choice = p.choices + 4 * m;
    const auto place = [&](uint32_t site) -> Place {
      return {p.key, uint32_t(p.word1[m]) | site, uint32_t(p.word2[m]), uint32_t(r)};
    };
    f.uniforms(place(OUTLIER), p.d, uniform_.data());
    f.log_normals(place(OUTLIER | BRANCH), p.d, float(choice[0]), float(p.outlier_sd),
                  factor_.data());
    for (int64_t j = 0; j < p.d; ++j)
      if (uniform_[j] >= float(p.outlier_probability)) factor_[j] = 1.0f;
    f.log_normals(place(LIBRARY), p.K, float(choice[1]), float(choice[2]), size_.data());
    scale(p.cells + (m * p.R + r) * n);
    f.uniforms(place(DROPOUT), n, uniform_.data());
    f.drop(dropout(choice[3]), n, uniform_.data(), x_.data());
    f.poisson(place(COUNT), n, entries_.data(), x_.data());
    std::copy(x_.begin(), x_.begin() + n, p.counts + (m * p.R + r) * n);
  }

 private:
  // Fills x with cells, their outliers raised, that add up to their sizes.
  void scale(const float* cells) {
    for (int64_t k = 0; k < p.K; ++k) {
      float total = 0.0f, *x = x_.data() + k * p.d;
      for (int64_t j = 0; j < p.d; ++j) {
        x[j] = cells[k * p.d + j] * factor_[j];
        total += x[j];
      }
      const float by = total > 0.0f ? size_[k] / total : 0.0f;
      for (int64_t j = 0; j < p.d; ++j) x[j] *= by;
    }
  }

  Dropout dropout(double percentile) {
    const double place = percentile / 100.0 * double(n - 1);
    const int64_t below = int64_t(place);
    std::copy(x_.begin(), x_.begin() + n, ordered_.begin());
    const auto low = ordered_.begin() + below;
    std::nth_element(ordered_.begin(), low, ordered_.end());
    const float next = below + 1 < n ? *std::min_element(low + 1, ordered_.end()) : *low;
    return {float(p.dropout_shape), *low, next, float(place - double(below))};
  }

  const Counts& p;
  const Functions f;
  const int64_t n;  // entries of a condition
  std::vector<float> uniform_, factor_, size_, x_, ordered_;
  std::vector<uint32_t> entries_;
};

}  // namespace

void draw_counts(const Counts& p, Set set, int threads) {
  const Functions functions{ACTIVA_CHOOSE(set, uniforms), ACTIVA_CHOOSE(set, log_normals),
                            ACTIVA_CHOOSE(set, drop), ACTIVA_CHOOSE(set, poisson)};
  if (threads > p.M) threads = int(std::max<int64_t>(p.M, 1));
  std::vector<Worker> workers;
  for (int t = 0; t < threads; ++t) workers.emplace_back(p, functions);
  parallel_for(p.M, threads, [&](int64_t m, int slot) {
    for (int64_t r = 0; r < p.R; ++r) workers[slot].condition(m, r);
  });
}

}  // namespace activa
