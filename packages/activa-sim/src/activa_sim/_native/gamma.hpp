// Gamma numbers, as `Streams.gamma` in rng.py defines them, LANES of them at a time.
#pragma once

#include "doubles.hpp"

namespace activa::ACTIVA_ISA {
namespace {

constexpr uint32_t ATTEMPTS = 64;

struct Proposal {
  Double value;
  Long accepted;
};

// Marsaglia & Tsang (2000) at alpha + 1, times U^(1 / alpha).
ACTIVA_INLINE Proposal marsaglia_tsang(Double alpha, const HalfWord words[4]) {
  const Double normal = root(-2.0 * log(to_unit(words[0]))) * wave(words[1]).cosine;
  const Double scale = alpha + 2.0 / 3.0, lift = 1.0 + normal / root(9.0 * scale);
  const Double cube = lift * lift * lift;
  const Long inside = cube > 0.0;
  const Double log_cube = log(select(inside, cube, all<Double>(1.0)));
  const Double bound = normal * normal / 2.0 + scale * (1.0 - cube + log_cube);
  const Long accepted = inside & (log(to_unit(words[2])) < bound);
  return {scale * cube * exp(log(to_unit(words[3])) / alpha), accepted};
}

struct Place {  // four counter words of a number, and its concentration
  uint32_t block, word1, word2, word3;
  double alpha;
};

// out[i] is the number at place(i), for i below n; left (n) is for its use.
template <class At>
void gammas(const Keys& keys, int64_t n, At place, int32_t* left, double* out) {
  for (int64_t i = 0; i < n; ++i) left[i] = int32_t(i);
  for (uint32_t attempt = 0; n > 0 && attempt < ATTEMPTS; ++attempt) {
    int64_t refused = 0;
    for (int64_t first = 0; first < n; first += LANES) {
      uint32_t c[4][LANES];
      double alpha[LANES], value[LANES];
      int64_t accepted[LANES];
      for (int64_t k = 0; k < LANES; ++k) {
        const Place at = place(left[first + k < n ? first + k : first]);
        c[0][k] = at.block, c[1][k] = at.word1 | attempt << 8;
        c[2][k] = at.word2, c[3][k] = at.word3, alpha[k] = at.alpha;
      }
      const Block drawn = philox(keys, load<Word>(c[0]), load<Word>(c[1]), load<Word>(c[2]),
                                 load<Word>(c[3]));
      for (int lane = 0; lane < 4; ++lane) store(c[lane], drawn.lane[lane]);
      for (int k = 0; k < LANES; k += HALF) {
        const HalfWord words[4] = {load<HalfWord>(c[0] + k), load<HalfWord>(c[1] + k),
                                   load<HalfWord>(c[2] + k), load<HalfWord>(c[3] + k)};
        const Proposal proposal = marsaglia_tsang(load<Double>(alpha + k), words);
        store(value + k, proposal.value), store(accepted + k, proposal.accepted);
      }
      for (int64_t k = 0; k < LANES && first + k < n; ++k) {
        const int32_t i = left[first + k];
        out[i] = value[k];  // if it is refused, until the next attempt
        left[refused] = i;
        refused += !accepted[k];
      }
    }
    n = refused;
  }
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
