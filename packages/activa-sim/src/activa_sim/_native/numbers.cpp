// Numbers of the streams from `first` to `last`, each n, LANES blocks of whatever streams at a time.
#include "random.hpp"
#include "streams.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// Calls take(stream, place, lanes) for every block, with its four words, in order.
template <class Take>
void for_blocks(const Streams& at, int64_t first, int64_t last, int64_t blocks, Take take) {
  const Keys keys(at.key);
  int64_t stream = first, block = 0, from[LANES], place[LANES];
  uint32_t c[4][LANES] = {};
  while (stream < last) {
    int filled = 0;
    for (; filled < LANES && stream < last; ++filled) {
      from[filled] = stream, place[filled] = block;
      c[0][filled] = uint32_t(block), c[1][filled] = uint32_t(at.word1[stream]);
      c[2][filled] = uint32_t(at.word2[stream]), c[3][filled] = uint32_t(at.word3[stream]);
      if (++block == blocks) ++stream, block = 0;
    }
    const Block drawn = philox(keys, load<Word>(c[0]), load<Word>(c[1]), load<Word>(c[2]),
                               load<Word>(c[3]));
    uint32_t words[4][LANES];
    for (int lane = 0; lane < 4; ++lane) store(words[lane], drawn.lane[lane]);
    for (int i = 0; i < filled; ++i)
      take(from[i], place[i], words[0][i], words[1][i], words[2][i], words[3][i]);
  }
}

}  // namespace

void words(const Streams& at, int64_t first, int64_t last, int64_t n, uint32_t* out) {
  const auto take = [&](int64_t stream, int64_t block, uint32_t a, uint32_t b, uint32_t c,
                        uint32_t d) {
    const uint32_t four[4] = {a, b, c, d};
    const int64_t left = n - 4 * block;
    for (int64_t i = 0; i < (left < 4 ? left : 4); ++i) out[stream * n + 4 * block + i] = four[i];
  };
  for_blocks(at, first, last, (n + 3) / 4, take);
}

}  // namespace activa::ACTIVA_ISA
