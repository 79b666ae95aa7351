// Random numbers of technical noise: blocks of Philox LANES at a time, Poisson numbers one by one.
#include "technical.hpp"

#include "../_native/random.hpp"
#include "powers.hpp"

namespace activa::ACTIVA_ISA {
namespace {

constexpr uint32_t MAX_ATTEMPTS = 64;

// Calls take(block, words) for the blocks that hold n numbers, LANES of them at a time.
template <class Take>
ACTIVA_INLINE void for_blocks(const Place& at, int64_t n, Take take) {
  const Keys keys(at.key);
  uint32_t count[LANES];
  for (int i = 0; i < LANES; ++i) count[i] = uint32_t(i);
  for (int64_t block = 0; 4 * block < n; block += LANES)
    take(block, philox(keys, load<Word>(count) + uint32_t(block), all<Word>(at.word1),
                       all<Word>(at.word2), all<Word>(at.word3)));
}

// Puts lane l of block i at place 4 i + l.
ACTIVA_INLINE void put(Float lane, int l, float* out) {
  float numbers[LANES];
  store(numbers, lane);
  for (int i = 0; i < LANES; ++i) out[4 * i + l] = numbers[i];
}

ACTIVA_INLINE Float unit(Word word) {
  return (__builtin_convertvector(word, Float) + 0.5f) * 0x1p-32f;
}

double log(double x) {  // of a positive number, to 1e-15
  uint64_t bits;
  __builtin_memcpy(&bits, &x, 8);
  const int64_t exponent = int64_t(bits - 0x3fe6a09e667f3bcdu) >> 52;
  bits -= uint64_t(exponent) << 52;
  double m;  // from sqrt(1/2) to sqrt(2)
  __builtin_memcpy(&m, &bits, 8);
  const double s = (m - 1.0) / (m + 1.0), z = s * s;
  double p = 1.0 / 21.0;
  for (int k = 19; k > 0; k -= 2) p = p * z + 1.0 / k;
  return 2.0 * s * p + 0.69314718055994530942 * double(exponent);
}

double exp_of_minus(double x) {  // exp(-x) for x from 0 to 16, to 1e-14
  const double y = -x / 64.0;
  double p = 1.0;
  for (int k = 10; k > 0; --k) p = p * y / k + 1.0;
  for (int k = 0; k < 6; ++k) p *= p;
  return p;
}

double log_factorial(double k) {  // Stirling's series beyond 16
  double product = 1.0;
  for (; k < 16.0; k += 1.0) product *= k + 1.0;
  const double square = 1.0 / (k * k);
  const double series = (1.0 / 12.0 - square * (1.0 / 360.0 - square / 1260.0)) / k;
  return (k + 0.5) * log(k) - k + 0.91893853320467274178 + series - log(product);
}

double inverted(double mean, double u) {
  double k = 0.0, term = exp_of_minus(mean), below = term;
  while (u > below && k < 100.0) {
    k += 1.0;
    term *= mean / k;
    below += term;
  }
  return k;
}

// Hormann's transformed rejection, as in poisson.py; negative where refused.
double proposed(double mean, double first, double second) {
  const double width = 0.931 + 2.53 * __builtin_sqrt(mean), tail = -0.059 + 0.02483 * width;
  const double u = first - 0.5, edge = 0.5 - (u < 0.0 ? -u : u);
  const double k = __builtin_floor((2.0 * tail / edge + width) * u + mean + 0.43);
  if (edge >= 0.07 && second <= 0.9277 - 3.6224 / (width - 2.0)) return k;
  if (k < 0.0 || (edge < 0.013 && second > edge)) return -1.0;
  const double scale = 1.1239 + 1.1328 / (width - 3.4);
  const double height = log(second * scale / (tail / (edge * edge) + width));
  return height <= k * log(mean) - mean - log_factorial(k) ? k : -1.0;
}

}  // namespace

void uniforms(const Place& at, int64_t n, float* out) {
  for_blocks(at, n, [&](int64_t block, const Block& words) {
    for (int l = 0; l < 4; ++l) put(unit(words.lane[l]), l, out + 4 * block);
  });
}

void log_normals(const Place& at, int64_t n, float mean, float sd, float* out) {
  const auto power = [&](Float z) { return exp2((mean + sd * z) * 1.44269504f); };
  for_blocks(at, n, [&](int64_t block, const Block& words) {
    for (int l = 0; l < 4; l += 2) {
      const Normals two = normals(words.lane[l], words.lane[l + 1]);
      put(power(two.cosine), l, out + 4 * block);
      put(power(two.sine), l + 1, out + 4 * block);
    }
  });
}

void drop(const Dropout& law, int64_t n, const float* uniform, float* x) {
  const Float low = log2(all<Float>(1.0f + law.low)), high = log2(all<Float>(1.0f + law.high));
  const Float middle = low + law.share * (high - low);
  for (int64_t e = 0; e < n; e += LANES) {
    const Float now = load<Float>(x + e);
    const Float stays = 1.0f / (1.0f + exp2(law.shape * (middle - log2(1.0f + now))));
    store(x + e, select(load<Float>(uniform + e) < stays, now, Float{}));
  }
}

void poisson(const Place& at, int64_t n, uint32_t* entries, float* x) {
  const Keys keys(at.key);
  int64_t left = 0;
  for (int64_t e = 0; e < n; ++e)
    if (x[e] > 0.0f) entries[left++] = uint32_t(e);
  for (uint32_t attempt = 0; left && attempt < MAX_ATTEMPTS; ++attempt) {
    int64_t refused = 0;
    for (int64_t i = 0; i < left; i += LANES) {
      uint32_t block[LANES] = {}, first[LANES], second[LANES];
      const int64_t count = left - i < LANES ? left - i : LANES;
      for (int64_t k = 0; k < count; ++k) block[k] = entries[i + k];
      const Block words = philox(keys, load<Word>(block), all<Word>(at.word1 | attempt << 8),
                                 all<Word>(at.word2), all<Word>(at.word3));
      store(first, words.lane[0]);
      store(second, words.lane[1]);
      for (int64_t k = 0; k < count; ++k) {
        const double mean = x[block[k]], u = (first[k] + 0.5) * 0x1p-32;
        const double number = mean < 10.0 ? inverted(mean, u)
                                          : proposed(mean, u, (second[k] + 0.5) * 0x1p-32);
        if (number >= 0.0)
          x[block[k]] = float(number);
        else
          entries[refused++] = block[k];
      }
    }
    left = refused;
  }
}

}  // namespace activa::ACTIVA_ISA
