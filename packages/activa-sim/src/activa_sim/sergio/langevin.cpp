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

template <Kicks kicks>
void integrate(const Gene& gene, int64_t first, int64_t last, float* x, int64_t stride) {
  const Keys keys(gene.key);
  const Word word1 = all<Word>(gene.word1), word2 = all<Word>(gene.word2);
  for (int64_t l = first; l < last; l += LANES)
    store(x + l - first, production(gene, 0, l) / gene.decay);
  for (int64_t block = 0; block < gene.blocks; ++block)
    for (int64_t l = first; l < last; l += LANES) {
      const Block words = philox(keys, load<Word>(gene.block + l) + uint32_t(block), word1, word2,
                                 load<Word>(gene.axes + l));
      const Normals one = normals(words.lane[0], words.lane[1]);
      const Normals two = normals(words.lane[2], words.lane[3]);
      const Float normal[4] = {one.cosine, one.sine, two.cosine, two.sine};
      float* at = x + 4 * block * stride + l - first;
      Float now = load<Float>(at);
#pragma GCC unroll 4
      for (int step = 0; step < 4; ++step) {
        const Float gained = production(gene, 1 + 4 * block + step, l), lost = now * gene.decay;
        const Float kick = normal[step] * gene.kick * deviation<kicks>(gained, lost);
        now = now + (DT * (gained - lost) + kick);
        now = select(now > 0.0f, now, Float{});
        store(at + (step + 1) * stride, now);
      }
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
