// Noise of the paper's Beta models: a number of its own for every row but a query's of its target.
#include "gamma.hpp"
#include "linear.hpp"

namespace activa::ACTIVA_ISA {

void beta_noise(const Linear& law, const Model& model, const Chunk& chunk, const BetaMemory& memory,
                float* const noise[4]) {
  constexpr uint32_t SITE = 4, BRANCH = 1 << 14;  // of rng.py
  const Keys keys(model.key);
  const int64_t begin = 4 * chunk.begin, blocks = chunk.end - chunk.begin;
  const int64_t end = law.n < 4 * chunk.end ? law.n : 4 * chunk.end;
  int64_t n = 0;
  const auto for_rows = [&](auto take) {
    for (int64_t j = 0; j < law.d; ++j)
      for (int64_t r = chunk.first; r < chunk.last; ++r)
        for (int64_t row = begin; (r == 0 || (r - 1) % law.d != j) && row < end; ++row)
          take(j, r, row);
  };
  for_rows([&](int64_t j, int64_t r, int64_t row) {
    memory.row[n] = uint32_t(row), memory.axes[n++] = uint32_t(j | (1 + r) << 16);
  });
  for (uint32_t which = 0; which < 2; ++which) {
    const auto place = [&](int64_t i) -> Place {
      return {memory.row[i], SITE | which * BRANCH | model.word1, model.word2, memory.axes[i],
              model.shape[2 * (memory.axes[i] & 0xFFFF) + which]};
    };
    gammas(keys, n, place, memory.left, memory.gamma[which]);
  }
  n = 0;
  for_rows([&](int64_t j, int64_t r, int64_t row) {
    const double a = memory.gamma[0][n], b = memory.gamma[1][n];
    ++n;
    noise[row % 4][j * chunk.stride + (r - chunk.first) * blocks + (row - begin) / 4] =
        float(a / (a + b));
  });
}

}  // namespace activa::ACTIVA_ISA
