// The cheapest edge of each row at given prices, one block of rows after another, by all threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "cpu.hpp"

namespace activa {

// One thread leads: it begins a block, does something else, and ends the block; the others help until it
// leaves. What is found follows from the prices at the beginning, whichever threads there are.
class Pricing {
 public:
  using Find = decltype(&base::cheapest_of_group);

  // Of each row of a block: the column of its cheapest edge, and what that costs.
  struct Edges {
    std::vector<int64_t> columns;
    std::vector<double> costs;
  };

  // Costs (n, width).
  Pricing(const double* cost, int64_t width, int64_t n, Find find)
      : rows(std::min(MOST, std::max(GROUP, n / SHARE / GROUP * GROUP))), cost_(cost), width_(width), n_(n),
        find_(find), groups_(rows / GROUP), prices_(width), next_(groups_) {
    for (Edges& edges : edges_) {
      edges.columns.resize(rows);
      edges.costs.resize(rows);
    }
  }

  // Of the rows from `first` on, after the last one from row 0 on again.
  void begin(int64_t first, const std::vector<double>& prices) {
    first_ = first;
    prices_ = prices;
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
  static constexpr int64_t MOST = 64, SHARE = 40;
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
      const double* of[GROUP];
      for (int64_t r = 0; r < GROUP; ++r) of[r] = cost_ + (first_ + group * GROUP + r) % n_ * width_;
      int64_t* columns = found_->columns.data() + group * GROUP;
      find_(of, prices_.data(), width_, columns);
      for (int64_t r = 0; r < GROUP; ++r) found_->costs[group * GROUP + r] = of[r][columns[r]];
      done_.fetch_add(1, std::memory_order_release);
    }
  }

  const double* cost_;
  int64_t width_, n_;
  Find find_;
  int64_t groups_, first_ = 0;
  std::vector<double> prices_;
  Edges edges_[2];
  Edges* found_ = nullptr;
  int which_ = 0;
  std::atomic<int64_t> next_, done_{0};
  std::atomic<bool> left_{false};
};

}  // namespace activa
