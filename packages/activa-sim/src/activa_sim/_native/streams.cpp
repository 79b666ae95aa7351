// Splits streams into tasks; every number has a place of its own, so who draws it does not matter.
#include "streams.hpp"

#include "pool.hpp"

namespace activa {
namespace {

// A task has some 4,000 numbers, so that waking a thread costs less than what it does.
int64_t streams_a_task(int64_t n) { return n < 4096 ? 4096 / (n > 0 ? n : 1) : 1; }

}  // namespace

void draw_words(const Streams& at, int64_t n, uint32_t* out, Set set, int threads) {
  const auto words = ACTIVA_CHOOSE(set, words);
  const int64_t step = streams_a_task(n);
  parallel_for((at.count + step - 1) / step, threads, [&](int64_t task, int) {
    const int64_t first = task * step, last = first + step;
    words(at, first, last < at.count ? last : at.count, n, out);
  });
}

}  // namespace activa
