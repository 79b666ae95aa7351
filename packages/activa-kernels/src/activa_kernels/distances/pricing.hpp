// The cheapest edge of each row at given prices, one block of rows after another, by all threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "dispatch.hpp"

namespace activa {

// One thread leads: it begins a block, does something else, and ends the block; the others help until it
// leaves. What is found follows from the prices at the beginning, whichever threads there are.
class Pricing {
 public:
  // Of each row of a block: the column of its cheapest edge, and what that costs.
  struct Edges {
    std::vector<int64_t> columns;
    std::vector<double> costs;
  };

  // Costs (n, width), of which it keeps a copy in float32: `copy` every row before the first block.
  Pricing(const double* cost, int64_t width, int64_t n, const DistanceKernels<double>& kernels)
      : rows(std::min(MOST, std::max(GROUP, n / SHARE / GROUP * GROUP))), cost_(cost), width_(width), n_(n),
        kernels_(kernels), groups_(rows / GROUP), rough_cost_(new float[n * width]), prices_(width),
        rough_prices_(width), next_(groups_) {
    for (Edges& edges : edges_) {
      edges.columns.resize(rows);
      edges.costs.resize(rows);
    }
  }

  void copy(int64_t row) {
    for (int64_t j = row * width_; j < (row + 1) * width_; ++j) rough_cost_[j] = float(cost_[j]);
  }

  // Of the rows from `first` on, after the last one from row 0 on again. In float32, which takes half the
  // time and misses what it cannot tell apart, or exactly.
  void begin(int64_t first, const std::vector<double>& prices, bool exactly) {
    first_ = first;
    exactly_ = exactly;
    if (exactly)
      prices_ = prices;
    else
      std::copy(prices.begin(), prices.end(), rough_prices_.begin());
    done_.store(0, std::memory_order_relaxed);
    found_ = &edges_[which_ ^= 1];
    next_.store(0, std::memory_order_release);
  }

  // What was found, which the next block but one overwrites.
  const Edges& end() {
    find_all();
    for (int64_t looks = 0; done_.load(std::memory_order_acquire) < groups_;) wait(++looks);
    return *found_;
  }

  void help() {
    for (int64_t looks = 0; !left_.load(std::memory_order_acquire);) {
      if (next_.load(std::memory_order_acquire) < groups_) {
        find_all();
        looks = 0;
      } else {
        wait(++looks);
      }
    }
  }

  // The thread that leads has one: whatever happens, the others are not left waiting.
  struct Leader {
    ~Leader() { pricing.left_.store(true, std::memory_order_release); }
    Pricing& pricing;
  };

  const int64_t rows;  // of a block

 private:
  // More rows make threads wait less for each other, but their prices are older: more exchanges.
  static constexpr int64_t MOST = 128, SHARE = 20;
  static constexpr int64_t PATIENCE = 2'000;  // looks, longer than exchanges take, before others may run

  static void wait(int64_t looks) {
#ifdef ACTIVA_X86
    if (looks < PATIENCE) return __builtin_ia32_pause();
#endif
    (void)looks;
    std::this_thread::yield();
  }

  void find_all() {
    for (int64_t group; (group = next_.fetch_add(1, std::memory_order_acq_rel)) < groups_;) {
      int64_t* columns = found_->columns.data() + group * GROUP;
      if (exactly_)
        find(cost_, prices_, kernels_.cheapest_of_group, group, columns);
      else
        find(rough_cost_.get(), rough_prices_, kernels_.cheapest_of_group_roughly, group, columns);
      for (int64_t r = 0; r < GROUP; ++r)
        found_->costs[group * GROUP + r] = cost_[row(group, r) * width_ + columns[r]];
      done_.fetch_add(1, std::memory_order_release);
    }
  }

  template <class T, class F>
  void find(const T* cost, const std::vector<T>& prices, F cheapest, int64_t group, int64_t* columns) const {
    const T* of[GROUP];
    for (int64_t r = 0; r < GROUP; ++r) of[r] = cost + row(group, r) * width_;
    cheapest(of, prices.data(), width_, columns);
  }

  int64_t row(int64_t group, int64_t r) const { return (first_ + group * GROUP + r) % n_; }

  const double* cost_;
  int64_t width_, n_;
  DistanceKernels<double> kernels_;
  int64_t groups_, first_ = 0;
  std::unique_ptr<float[]> rough_cost_;
  std::vector<double> prices_;
  std::vector<float> rough_prices_;
  bool exactly_ = false;
  Edges edges_[2];
  Edges* found_ = nullptr;
  int which_ = 0;
  std::atomic<int64_t> next_, done_{0};
  std::atomic<bool> left_{false};
};

}  // namespace activa
