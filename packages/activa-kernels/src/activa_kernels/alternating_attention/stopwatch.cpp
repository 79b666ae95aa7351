#include "stopwatch.hpp"

#include <chrono>
#include <cstdint>
#include <ctime>

namespace activa {
namespace {

int64_t nanoseconds() {
#ifdef CLOCK_THREAD_CPUTIME_ID  // others on the machine do not count
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
#else
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
#endif
}

struct Stopwatch {
  bool runs;
  Pass pass;
  int64_t since, reading;  // what one look at the clock takes
  int64_t spent[PASS_COUNT][PHASE_COUNT];

  void lap(Phase phase) {
    const int64_t now = nanoseconds();
    spent[int(pass)][int(phase)] += now - since - reading;
    since = now;
  }
};

thread_local Stopwatch stopwatch{};

}  // namespace

void pass_began(Pass pass) {
  if (!stopwatch.runs) return;
  stopwatch.lap(Phase::other);
  stopwatch.pass = pass;
}

void phase_ended(Phase phase) {
  if (stopwatch.runs) stopwatch.lap(phase);
}

void start_watch() {
  const int64_t times = 2000, start = nanoseconds();
  stopwatch.since = start;
  for (int64_t i = 0; i < times; ++i) stopwatch.lap(Phase::other);
  const int64_t reading = (stopwatch.since - start) / times;
  stopwatch = {true, Pass::outside, nanoseconds(), reading, {}};
}

Watched stop_watch() {
  pass_began(Pass::outside);
  stopwatch.runs = false;
  Watched found{};
  for (int pass = 0; pass < PASS_COUNT; ++pass)
    for (int phase = 0; phase < PHASE_COUNT; ++phase)
      found.seconds[pass][phase] = 1e-9 * double(stopwatch.spent[pass][phase]);
  return found;
}

}  // namespace activa
