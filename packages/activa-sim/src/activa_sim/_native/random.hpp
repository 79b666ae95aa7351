// Random numbers by counter, as rng.py and philox.py define them, LANES blocks at a time.
#pragma once

#include "lanes.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// The ten pairs of key words of a seed.
struct Keys {
  explicit Keys(uint64_t key) {
    uint32_t one = uint32_t(key), two = uint32_t(key >> 32);
    for (int round = 0; round < 10; ++round, one += 0x9E3779B9u, two += 0xBB67AE85u)
      first[round] = one, second[round] = two;
  }
  uint64_t first[10], second[10];
};

struct Block {
  Word lane[4];  // lane l of every block
};

// Philox4x32-10 of four counter words. Inside, a 64-bit lane holds one word, so that its product
// fits, with anything in the high half.
ACTIVA_INLINE Block philox(const Keys& keys, Word c0, Word c1, Word c2, Word c3) {
  const Wide first = all<Wide>(uint64_t(0xD2511F53)), second = all<Wide>(uint64_t(0xCD9E8D57));
  Wide words[2][4] = {{as<Wide>(c0), as<Wide>(c1), as<Wide>(c2), as<Wide>(c3)}};  // even, odd
  for (int i = 0; i < 4; ++i) words[1][i] = words[0][i] >> 32;
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round)
#pragma GCC unroll 2
    for (Wide(&w)[4] : words) {
      const Wide a = multiply_low(w[0], first), c = multiply_low(w[2], second);
      w[0] = (c >> 32) ^ w[1] ^ keys.first[round];
      w[2] = (a >> 32) ^ w[3] ^ keys.second[round];
      w[1] = c;
      w[3] = a;
    }
  Block out;
  const Wide low = all<Wide>(uint64_t(0xFFFFFFFF));
  for (int i = 0; i < 4; ++i) out.lane[i] = as<Word>((words[0][i] & low) | (words[1][i] << 32));
  return out;
}

// -log u of u = (word + 0.5) / 2^32, with a relative error below 3e-7, also for u next to 1.
ACTIVA_INLINE Float minus_log(Word word) {
  const Int near_one = word > 0xAAAAAAAAu;  // u > 2/3: 1 - u has all the digits
  const Float y = (__builtin_convertvector(select(near_one, ~word, word), Float) + 0.5f) * 0x1p-32f;
  // y = 2^e (1 + f) with f from -1/3 to 1/3
  const Int exponent = (as<Int>(y) - 0x3f2aaaab) >> 23;
  const Float e = select(near_one, Float{}, __builtin_convertvector(exponent, Float));
  const Float f = select(near_one, -y, as<Float>(as<Int>(y) - (exponent << 23)) - 1.0f);
  Float p = 0.13820213f * f - 0.15122183f;  // log(1 + f) = f + f^2 p, a minimax fit: 4e-8
  p = p * f + 0.14042313f;
  p = p * f - 0.16472326f;
  p = p * f + 0.20007919f;
  p = p * f - 0.25004238f;
  p = p * f + 0.33333266f;
  p = p * f - 0.5f;
  return -0.693147181f * e - (p * (f * f) + f);
}

struct Normals {
  Float cosine, sine;  // radius times each
};

// Box-Muller on two words, float32 in all steps: an error below 5e-7 max(1, |x|).
ACTIVA_INLINE Normals normals(Word first, Word second) {
  const Float radius = root(2.0f * minus_log(first));
  // a quarter turn, and an angle from -pi/4 to pi/4 beside it
  const Word quarter = second + 0x20000000u;
  const Int rest = as<Int>(second - (quarter & 0xC0000000u));
  const Float x = (__builtin_convertvector(rest, Float) + 0.5f) * 1.46291807926716e-9f;
  const Float z = x * x;
  Float s = -1.9515295891e-4f * z + 8.3321608736e-3f;
  s = (s * z - 1.6666654611e-1f) * (z * x) + x;
  Float c = 2.443315711809948e-5f * z - 1.388731625493765e-3f;
  c = ((c * z + 4.166664568298827e-2f) * z - 0.5f) * z + 1.0f;
  const Int swapped = (quarter & 0x40000000u) != 0u;
  const Word cosine_sign = (quarter + 0x40000000u) & 0x80000000u, sine_sign = quarter & 0x80000000u;
  const Float cosine = as<Float>(as<Word>(select(swapped, s, c)) ^ cosine_sign);
  const Float sine = as<Float>(as<Word>(select(swapped, c, s)) ^ sine_sign);
  return {radius * cosine, radius * sine};
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
