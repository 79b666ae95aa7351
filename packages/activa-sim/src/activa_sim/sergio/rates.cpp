// Rates, some models at a time.
#include "rates.hpp"

#include <algorithm>
#include <vector>

#include "../_native/pool.hpp"
#include "../_native/sites.hpp"

namespace activa {
namespace {

// Sites of rng.py.
constexpr uint32_t STRENGTH = 61, SIGN = 60, BASAL = 59, KINETICS = 58, BRANCH = 1 << 14;
constexpr int64_t MODELS = 32;  // a task

double unit(uint32_t word) { return (double(word) + 0.5) * 0x1p-32; }

double between(const double ends[2], uint32_t word) {
  return ends[0] + (ends[1] - ends[0]) * unit(word);
}

double one_of(const std::vector<double>& values, uint32_t word) {
  return values[size_t(unit(word) * double(values.size()))];
}

struct Functions {
  decltype(&base::words) words;
  decltype(&base::gammas) gammas;
};

class Worker {  // what one thread needs
 public:
  Worker(const Kinetics& law, const Rates& rates, Functions functions)
      : law_(law), r(rates), f(functions), left_(MODELS * r.d) {}

  void models(int64_t first, int64_t last) {
    const int64_t d = r.d, M = last - first;
    gammas(first, M, SIGN, law_.sign[0], share_);
    gammas(first, M, SIGN | BRANCH, law_.sign[1], other_);
    for (int64_t i = 0; i < M * d; ++i) share_[i] /= share_[i] + other_[i];
    words(first, M, STRENGTH, d, 2 * d);
    for (int64_t i = 0; i < M * d; ++i)
      for (int64_t j = 0; j < d; ++j) {
        const int64_t edge = (first * d + i) * d + j;
        r.strength[edge] = between(law_.strength, words_[i * 2 * d + j]);
        r.activates[edge] = unit(words_[i * 2 * d + d + j]) < share_[i];
      }
    words(first, M, BASAL, d, r.C);
    for (int64_t i = 0; i < M * d * r.C; ++i)
      r.basal[first * d * r.C + i] = between(law_.basal, words_[i]);
    words(first, M, KINETICS, 1, 3);
    for (int64_t m = 0; m < M; ++m) {
      r.hill[first + m] = one_of(law_.hill, words_[3 * m]);
      r.decay[first + m] = one_of(law_.decay, words_[3 * m + 1]);
      r.amplitude[first + m] = one_of(law_.amplitude, words_[3 * m + 2]);
    }
  }

 private:
  Streams at(int64_t first, int64_t M, uint32_t site, int64_t each) {
    return streams_.at(r.key, r.word1 + first, r.word2 + first, M, site, each);
  }

  void words(int64_t first, int64_t M, uint32_t site, int64_t each, int64_t n) {
    words_.resize(M * each * n);
    f.words(at(first, M, site, each), 0, M * each, n, words_.data());
  }

  void gammas(int64_t first, int64_t M, uint32_t site, double alpha, std::vector<double>& out) {
    alpha_.assign(M * r.d, alpha), out.resize(M * r.d);
    f.gammas(at(first, M, site, r.d), alpha_.data(), 0, M * r.d, 1, left_.data(), out.data());
  }

  const Kinetics& law_;
  const Rates& r;
  const Functions f;
  SiteStreams streams_;
  std::vector<uint32_t> words_;
  std::vector<double> alpha_, share_, other_;
  std::vector<int32_t> left_;
};

}  // namespace

void draw_rates(const Kinetics& law, const Rates& rates, Set set, int threads) {
  const Functions functions{ACTIVA_CHOOSE(set, words), ACTIVA_CHOOSE(set, gammas)};
  const int64_t tasks = (rates.M + MODELS - 1) / MODELS;
  if (threads > tasks) threads = int(tasks);
  std::vector<Worker> workers;
  for (int t = 0; t < threads; ++t) workers.emplace_back(law, rates, functions);
  parallel_for(tasks, threads, [&](int64_t task, int slot) {
    workers[slot].models(task * MODELS, std::min(rates.M, (task + 1) * MODELS));
  });
}

}  // namespace activa
