#include "pool.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#ifndef _WIN32
#include <pthread.h>
#endif

namespace activa {
namespace {

using Task = std::function<void(int64_t, int)>;

// A thread that waits looks so long before it sleeps, longer than a caller in Python needs from one call to
// the next; waking it would take a third of that.
constexpr std::chrono::microseconds PATIENCE{150};

// Looks until something comes true or patience ends; others who wait for the processor go first.
template <class Done>
void watch(Done done) {
  const auto until = std::chrono::steady_clock::now() + PATIENCE;
  while (!done() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
}

class Pool {
 public:
  void run(int64_t count, int threads, const Task& task) {
    grow(threads - 1);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task;
      count_ = count;
      next_ = 0;
      failure_ = nullptr;
      wanted_ = threads - 1;
      ++round_;
    }
    wake_.notify_all();
    work(0);
    std::unique_lock<std::mutex> lock(mutex_);
    wanted_ = 0;  // nothing is left for a thread that has not woken up yet
    if (running_ > 0) {
      lock.unlock();
      watch([this] { return running_ == 0; });
      lock.lock();
      done_.wait(lock, [this] { return running_ == 0; });
    }
    task_ = nullptr;
    if (failure_) std::rethrow_exception(failure_);
  }

  std::mutex owner;  // held by the one caller that uses the pool

 private:
  void grow(int workers) {
    while (static_cast<int>(workers_.size()) < workers) {
      const int slot = static_cast<int>(workers_.size()) + 1;
      workers_.emplace_back([this, slot, seen = round_.load()]() mutable { serve(slot, seen); });
    }
  }

  void serve(int slot, uint64_t seen) {
    for (;;) {
      watch([&] { return round_ != seen; });
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return round_ != seen; });
        seen = round_;
        if (slot > wanted_) continue;
        ++running_;
      }
      work(slot);
      std::lock_guard<std::mutex> lock(mutex_);
      if (--running_ == 0) done_.notify_one();
    }
  }

  void work(int slot) {
    for (int64_t index; (index = next_.fetch_add(1)) < count_;) {
      try {
        (*task_)(index, slot);
      } catch (...) {
        std::lock_guard<std::mutex> lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
        next_ = count_;
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  const Task* task_ = nullptr;
  std::exception_ptr failure_;
  std::atomic<int64_t> next_{0};
  int64_t count_ = 0;
  int wanted_ = 0;  // slots that may still join the round
  std::atomic<int> running_{0};
  std::atomic<uint64_t> round_{0};
};

std::atomic<Pool*> current{nullptr};

// Never destroyed: at exit its threads sleep, and joining them there can hang an interpreter.
Pool& pool() {
  static std::mutex guard;
  std::lock_guard<std::mutex> lock(guard);
  if (!current.load()) {
    current = new Pool;
#ifndef _WIN32
    // a forked child has the memory of the pool but none of its threads: let it start its own
    static const int registered = pthread_atfork(nullptr, nullptr, [] { current = nullptr; });
    (void)registered;
#endif
  }
  return *current.load();
}

}  // namespace

void parallel_for(int64_t count, int threads, const Task& task) {
  if (threads > count) threads = static_cast<int>(count);
  if (threads > 1) {
    Pool& shared = pool();
    std::unique_lock<std::mutex> lock(shared.owner, std::try_to_lock);
    if (lock.owns_lock()) return shared.run(count, threads, task);
  }
  // one thread, or another caller has the pool: the same work in the same order
  for (int64_t index = 0; index < count; ++index) task(index, 0);
}

}  // namespace activa
