// Runs a CUDA kernel of one warp a block on the CPU: a fiber for each lane, blocks one after another.
//
// A lane runs until it waits for the others, which run in ascending, descending or ever new order: a
// missing barrier then shows in the result. It says nothing of speed or of the memory model.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#define __global__
#define __device__
#define __shared__ static  // what the block before left there, as on a device

using std::isfinite;

namespace cuda_on_cpu {

enum class Order { ascending, descending, shuffled };
enum class Waits { no, barrier, shuffle, done };
struct Index {
  unsigned x;
};

constexpr int LANES = 32;
constexpr std::size_t STACK = 1 << 16;

struct Lane {
  ucontext_t context;
  std::vector<char> stack;
  Waits waits;
  int exchanges;
  double sent[2];  // alternating, so that a lane may send again before all have read
};

struct Warp {
  ucontext_t scheduler;
  std::vector<Lane> lanes = std::vector<Lane>(LANES);
  std::function<void()> kernel;
  Index block{0}, lane{0};
};

inline Warp warp;

inline void enter() {
  warp.kernel();
  warp.lanes[warp.lane.x].waits = Waits::done;
}

inline void wait(Waits why) {
  Lane& lane = warp.lanes[warp.lane.x];
  lane.waits = why;
  swapcontext(&lane.context, &warp.scheduler);
}

// Until all lanes are done; throws where some wait for what others do not.
inline void run_block(Order order) {
  for (Lane& lane : warp.lanes) {
    lane.stack.resize(STACK);
    lane.waits = Waits::no;
    lane.exchanges = 0;
    getcontext(&lane.context);
    lane.context.uc_stack.ss_sp = lane.stack.data();
    lane.context.uc_stack.ss_size = STACK;
    lane.context.uc_link = &warp.scheduler;
    makecontext(&lane.context, enter, 0);
  }
  std::vector<unsigned> turns(LANES);
  std::iota(turns.begin(), turns.end(), 0u);
  if (order == Order::descending) std::reverse(turns.begin(), turns.end());
  std::mt19937 random(0);
  for (;;) {
    if (order == Order::shuffled) std::shuffle(turns.begin(), turns.end(), random);
    for (unsigned turn : turns) {
      warp.lane.x = turn;
      swapcontext(&warp.scheduler, &warp.lanes[turn].context);
    }
    const Waits first = warp.lanes[0].waits;
    for (const Lane& lane : warp.lanes)
      if (lane.waits != first) throw std::runtime_error("some lanes wait for what others do not");
    if (first == Waits::done) return;
  }
}

template <typename Kernel, typename... Arguments>
void launch(Kernel kernel, unsigned blocks, Order order, Arguments... arguments) {
  warp.kernel = [=] { kernel(arguments...); };
  for (warp.block.x = 0; warp.block.x < blocks; ++warp.block.x) run_block(order);
}

}  // namespace cuda_on_cpu

#define threadIdx (cuda_on_cpu::warp.lane)
#define blockIdx (cuda_on_cpu::warp.block)

inline void __syncwarp(unsigned) { cuda_on_cpu::wait(cuda_on_cpu::Waits::barrier); }

template <typename T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  auto& lanes = cuda_on_cpu::warp.lanes;
  const unsigned me = cuda_on_cpu::warp.lane.x;
  const int slot = lanes[me].exchanges++ % 2;
  std::memcpy(&lanes[me].sent[slot], &value, sizeof value);
  cuda_on_cpu::wait(cuda_on_cpu::Waits::shuffle);
  std::memcpy(&value, &lanes[me ^ mask].sent[slot], sizeof value);
  return value;
}
