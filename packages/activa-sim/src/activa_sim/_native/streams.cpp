// Splits streams into tasks; every number has a place of its own, so who draws it does not matter.
#include "streams.hpp"

#include <vector>

#include "pool.hpp"

namespace activa {
namespace {

constexpr int64_t NUMBERS = 4096;  // a task
constexpr int64_t WORTH = 16384;   // a thread: waking it takes as long as drawing so many

template <class Draw>
void for_tasks(const Streams& at, int64_t n, int threads, Draw draw) {
  if (n == 0) return;
  const int64_t step = n < NUMBERS ? NUMBERS / n : 1, worth = 1 + at.count * n / WORTH;
  if (threads > worth) threads = int(worth);
  parallel_for((at.count + step - 1) / step, threads, [&](int64_t task, int) {
    const int64_t first = task * step, last = first + step;
    draw(first, last < at.count ? last : at.count);
  });
}

}  // namespace

void draw_words(const Streams& at, int64_t n, uint32_t* out, Set set, int threads) {
  const auto draw = ACTIVA_CHOOSE(set, words);
  for_tasks(at, n, threads, [&](int64_t first, int64_t last) { draw(at, first, last, n, out); });
}

void draw_normals(const Streams& at, int64_t n, double* out, Set set, int threads) {
  const auto draw = ACTIVA_CHOOSE(set, normals);
  for_tasks(at, n, threads, [&](int64_t first, int64_t last) { draw(at, first, last, n, out); });
}

void draw_gammas(const Streams& at, const double* concentration, int64_t n, double* out, Set set,
                 int threads) {
  const auto draw = ACTIVA_CHOOSE(set, gammas);
  for_tasks(at, n, threads, [&](int64_t first, int64_t last) {
    std::vector<int32_t> left((last - first) * n);
    draw(at, concentration, first, last, n, left.data(), out);
  });
}

}  // namespace activa
