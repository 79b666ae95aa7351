// Steps in time and Hill functions, LANES trajectories at a time.
#include "langevin.hpp"

#include "../_native/random.hpp"
#include "powers.hpp"

namespace activa::ACTIVA_ISA {
namespace {

constexpr float DT = 0.01f;

// P of lanes l, ... from what regulators do at a row of their courses.
ACTIVA_INLINE Float production(const Gene& gene, int64_t row, int64_t l) {
  Float sum = load<Float>(gene.basal + l);
  for (int64_t i = 0; i < gene.regulated; ++i) {
    const Regulator& by = gene.regulators[i];
    Float share = load<Float>(by.course + row * gene.lanes + l);
    if (by.represses) share = 1.0f - share;
    sum = sum + share * by.strength;
  }
  return sum * load<Float>(gene.factor + l);
}

template <Kicks kicks>
ACTIVA_INLINE Float deviation(Float gained, Float lost) {
  if constexpr (kicks == Kicks::dpd) return root(gained + lost);
  if constexpr (kicks == Kicks::sp) return root(gained);
  return root(gained) + root(lost);
}

// Four steps in time of W vectors of lanes: side by side, as each step waits for the one before.
template <Kicks kicks, int W>
ACTIVA_INLINE void four_steps(const Gene& gene, const Keys& keys, int64_t block, int64_t l, float* at,
                              int64_t stride) {
  Float kick[W][4], now[W];
#pragma GCC unroll 4
  for (int w = 0; w < W; ++w) {
    const Block words = philox(keys, load<Word>(gene.block + l + w * LANES) + uint32_t(block),
                               all<Word>(gene.word1), all<Word>(gene.word2),
                               load<Word>(gene.axes + l + w * LANES));
    const Normals one = normals(words.lane[0], words.lane[1]);
    const Normals two = normals(words.lane[2], words.lane[3]);
    kick[w][0] = one.cosine, kick[w][1] = one.sine, kick[w][2] = two.cosine, kick[w][3] = two.sine;
    now[w] = load<Float>(at + w * LANES);
  }
#pragma GCC unroll 4
  for (int step = 0; step < 4; ++step)
#pragma GCC unroll 4
    for (int w = 0; w < W; ++w) {
      const Float gained = production(gene, 1 + 4 * block + step, l + w * LANES);
      const Float lost = now[w] * gene.decay;
      const Float by_chance = kick[w][step] * gene.kick * deviation<kicks>(gained, lost);
      now[w] = now[w] + (DT * (gained - lost) + by_chance);
      now[w] = select(now[w] > 0.0f, now[w], Float{});
      store(at + (step + 1) * stride + w * LANES, now[w]);
    }
}

template <Kicks kicks>
void integrate(const Gene& gene, int64_t first, int64_t last, float* x, int64_t stride) {
  constexpr int W = 3;
  const Keys keys(gene.key);
  for (int64_t l = first; l < last; l += LANES)
    store(x + l - first, production(gene, 0, l) / gene.decay);
  for (int64_t block = 0; block < gene.blocks; ++block) {
    float* at = x + 4 * block * stride - first;
    int64_t l = first;
    for (; l + W * LANES <= last; l += W * LANES)
      four_steps<kicks, W>(gene, keys, block, l, at + l, stride);
    for (; l < last; l += LANES) four_steps<kicks, 1>(gene, keys, block, l, at + l, stride);
  }
}

}  // namespace

void trajectories(const Gene& gene, int64_t first, int64_t last, float* x, int64_t stride) {
  if (gene.kicks == Kicks::dpd) return integrate<Kicks::dpd>(gene, first, last, x, stride);
  if (gene.kicks == Kicks::sp) return integrate<Kicks::sp>(gene, first, last, x, stride);
  integrate<Kicks::spd>(gene, first, last, x, stride);
}

void saturate(float* x, int64_t n, int64_t lanes, const float* half, float hill) {
  for (int64_t l = 0; l < lanes; l += LANES) {
    const Float middle = load<Float>(half + l);
    const Float log_half = select(middle > 0.0f, log2(middle), all<Float>(-1e4f));
    for (int64_t t = 0; t < n; ++t) {
      float* at = x + t * lanes + l;
      const Float now = load<Float>(at);
      const Float share = 1.0f / (1.0f + exp2(hill * (log_half - log2(now))));
      store(at, select(now > 0.0f, share, Float{}));
    }
  }
}

}  // namespace activa::ACTIVA_ISA
