// Which numbers dropout keeps: Philox4x32-10 (Salmon et al., 2011), a counter in each lane.
//
// Counter i gives the eight 16-bit numbers of elements 8 i to 8 i + 7, two a word, the low half first.
#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "phases.hpp"
#include "transpose.hpp"
#include "vector.hpp"

namespace activa::ACTIVA_ISA {
namespace {

template <class T>
struct Pair {
  T first, second;
};
constexpr Pair<uint32_t> FACTORS{0xD2511F53, 0xCD9E8D57}, STEPS{0x9E3779B9, 0xBB67AE85};
constexpr int ROUNDS = 10, PER_COUNTER = 8;

Pair<uint32_t> halves(uint64_t number) { return {uint32_t(number), uint32_t(number >> 32)}; }

void philox(uint64_t key, uint32_t (&c)[4]) {
  auto [k0, k1] = halves(key);
  for (int round = 0; round < ROUNDS; ++round, k0 += STEPS.first, k1 += STEPS.second) {
    const auto [low0, high0] = halves(uint64_t(FACTORS.first) * c[0]);
    const auto [low1, high1] = halves(uint64_t(FACTORS.second) * c[2]);
    c[0] = high1 ^ c[1] ^ k0;
    c[1] = low1;
    c[2] = high0 ^ c[3] ^ k1;
    c[3] = low0;
  }
}

#ifdef ACTIVA_BUILT_IN_VECTORS

template <>
struct VectorOf<uint64_t> {
  typedef uint64_t type __attribute__((vector_size(VECTOR_BYTES)));
};
using Words = Vector<uint64_t>;  // a word in the lower half of a lane; the upper half is anything

constexpr int COUNTERS = LANES<uint64_t>;

ACTIVA_INLINE Words products(Words word, uint32_t factor) {  // of the lower halves, whole
#if defined(__AVX512F__)
  return (Words)_mm512_mul_epu32((__m512i)word, _mm512_set1_epi64(factor));
#elif defined(__AVX2__)
  return (Words)_mm256_mul_epu32((__m256i)word, _mm256_set1_epi64x(factor));
#elif defined(__SSE2__)
  return (Words)_mm_mul_epu32((__m128i)word, _mm_set1_epi64x(factor));
#else
  return (word & 0xffffffff) * factor;
#endif
}

struct Generator {
  Words first[ROUNDS], second[ROUNDS];  // the words of each round's key, in all lanes

  explicit Generator(uint64_t key) {
    auto [k0, k1] = halves(key);
    for (int round = 0; round < ROUNDS; ++round, k0 += STEPS.first, k1 += STEPS.second) {
      first[round] = Words{} + k0;
      second[round] = Words{} + k1;
    }
  }

  // The numbers of COUNTERS counters from `counter` on.
  void draw(uint64_t counter, uint16_t* out) const {
    uint64_t lanes[COUNTERS];
    for (int l = 0; l < COUNTERS; ++l) lanes[l] = uint64_t(l);
    Words c0 = load(lanes) + counter, c1 = c0 >> 32, c2{}, c3{};
    ACTIVA_UNROLL
    for (int round = 0; round < ROUNDS; ++round) {
      const Words low = products(c0, FACTORS.first), high = products(c2, FACTORS.second);
      c0 = high >> 32 ^ c1 ^ first[round];
      c1 = high;
      c2 = low >> 32 ^ c3 ^ second[round];
      c3 = low;
    }
    const Words low = (c0 & 0xffffffff) | c1 << 32, high = (c2 & 0xffffffff) | c3 << 32;
    const Words both[2] = {interleaved_low<uint64_t>(low, high), interleaved_high<uint64_t>(low, high)};
    memcpy(out, both, sizeof both);
  }
};

#else

constexpr int COUNTERS = 1;

struct Generator {
  uint64_t key;

  explicit Generator(uint64_t key) : key(key) {}

  void draw(uint64_t counter, uint16_t* out) const {
    const auto [low, high] = halves(counter);
    uint32_t c[4] = {low, high, 0, 0};
    philox(key, c);
    for (int lane = 0; lane < PER_COUNTER; ++lane) out[lane] = uint16_t(c[lane / 2] >> 16 * (lane % 2));
  }
};

#endif

}  // namespace

uint64_t dropout_key(int64_t seed, int64_t step, int64_t layer, int64_t site) {
  const auto [low, high] = halves(uint64_t(step));
  uint32_t c[4] = {low, high, uint32_t(layer), uint32_t(site)};
  philox(uint64_t(seed), c);
  return uint64_t(c[1]) << 32 | c[0];
}

template <class T>
void drop(const Dropout& dropout, const int64_t* tokens, int64_t rows, int64_t e, T* values,
          int64_t stride) {
  constexpr int64_t AT_ONCE = COUNTERS * PER_COUNTER;
  static_assert(PANEL % AT_ONCE == 0);
  const Generator generator(dropout.key);
  const T scale = T(65536) / T(65536 - dropout.threshold);
  uint16_t drawn[AT_ONCE];
  const auto kept = [&](T value, int64_t i) { return drawn[i] >= dropout.threshold ? value * scale : T(0); };
  for (int64_t r = 0; r < rows; ++r, values += stride) {
    const uint64_t element = uint64_t(tokens[r] * e), counter = element / PER_COUNTER;
    const int64_t before = int64_t(element % PER_COUNTER);  // numbers of the first counter that are others'
    for (int64_t from = 0; from < before + e; from += AT_ONCE) {
      generator.draw(counter + uint64_t(from) / PER_COUNTER, drawn);
      if (before == 0) {  // whole: zeros beyond e stay zeros
        for (int64_t i = 0; i < AT_ONCE; ++i) values[from + i] = kept(values[from + i], i);
        continue;
      }
      for (int64_t i = from == 0 ? before : 0; i < AT_ONCE && from + i < before + e; ++i)
        values[from + i - before] = kept(values[from + i - before], i);
    }
  }
}

template void drop(const Dropout&, const int64_t*, int64_t, int64_t, float*, int64_t);
template void drop(const Dropout&, const int64_t*, int64_t, int64_t, double*, int64_t);

}  // namespace activa::ACTIVA_ISA
