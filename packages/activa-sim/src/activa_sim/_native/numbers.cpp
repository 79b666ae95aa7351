// Numbers of the streams from `first` to `last`, n of each, LANES blocks of whatever streams at a time.
#include "gamma.hpp"
#include "streams.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// Writes n numbers a stream; convert(block, out) makes four of every block, out (4, LANES).
template <class T, class Convert>
void draw(const Streams& at, int64_t first, int64_t last, int64_t n, T* out, Convert convert) {
  const Keys keys(at.key);
  int64_t stream = first, begin = 0, place[LANES], left[LANES];
  uint32_t c[4][LANES] = {};
  while (stream < last) {
    int filled = 0;
    for (; filled < LANES && stream < last; ++filled) {
      place[filled] = stream * n + begin, left[filled] = n - begin;
      c[0][filled] = uint32_t(begin / 4), c[1][filled] = uint32_t(at.word1[stream]);
      c[2][filled] = uint32_t(at.word2[stream]), c[3][filled] = uint32_t(at.word3[stream]);
      if ((begin += 4) >= n) ++stream, begin = 0;
    }
    T numbers[4][LANES];
    convert(philox(keys, load<Word>(c[0]), load<Word>(c[1]), load<Word>(c[2]), load<Word>(c[3])),
            numbers);
    for (int i = 0; i < filled; ++i)
      for (int lane = 0; lane < 4 && lane < left[i]; ++lane) out[place[i] + lane] = numbers[lane][i];
  }
}

// A part of a block's lane, as many words as a Double has.
ACTIVA_INLINE HalfWord part(const Word& lane, int begin) {
  uint32_t words[LANES];
  store(words, lane);
  return load<HalfWord>(words + begin);
}

}  // namespace

void words(const Streams& at, int64_t first, int64_t last, int64_t n, uint32_t* out) {
  draw(at, first, last, n, out, [](const Block& block, uint32_t (&numbers)[4][LANES]) {
    for (int lane = 0; lane < 4; ++lane) store(numbers[lane], block.lane[lane]);
  });
}

void normals(const Streams& at, int64_t first, int64_t last, int64_t n, double* out) {
  draw(at, first, last, n, out, [](const Block& block, double (&numbers)[4][LANES]) {
    for (int lane = 0; lane < 4; lane += 2)
      for (int i = 0; i < LANES; i += HALF) {
        const Double radius = root(-2.0 * log(to_unit(part(block.lane[lane], i))));
        const Wave angle = wave(part(block.lane[lane + 1], i));
        store(numbers[lane] + i, radius * angle.cosine);
        store(numbers[lane + 1] + i, radius * angle.sine);
      }
  });
}

void gammas(const Streams& at, const double* concentration, int64_t first, int64_t last, int64_t n,
            int32_t* left, double* out) {
  const auto place = [&](int64_t i) -> Place {
    const int64_t stream = first + i / n;
    return {uint32_t(i % n), uint32_t(at.word1[stream]), uint32_t(at.word2[stream]),
            uint32_t(at.word3[stream]), concentration[stream]};
  };
  gammas(Keys(at.key), (last - first) * n, place, left, out + first * n);
}

}  // namespace activa::ACTIVA_ISA
