// Random numbers and rows of linear models, LANES of them side by side.
#include "linear.hpp"
#include "random.hpp"

namespace activa::ACTIVA_ISA {
namespace {

ACTIVA_INLINE Block block_at(const Keys& keys, const Model& model, const Counters& at, int64_t i) {
  return philox(keys, load<Word>(at.block + i), load<Word>(at.site + i) | model.word1,
                all<Word>(model.word2), load<Word>(at.axes + i));
}

// Rows of HALF columns from columns of HALF rows.
ACTIVA_INLINE void transpose(HalfFloat (&t)[HALF]) {
#pragma GCC unroll 3
  for (int step = 1; step < HALF; step *= 2) {
    HalfFloat out[HALF];
#pragma GCC unroll 4
    for (int i = 0; i < HALF; i += 2) {  // rows i / 2 and (i + HALF) / 2 in turn
      const HalfFloat a = t[i / 2], b = t[(i + HALF) / 2];
#if defined(__AVX512F__)
      out[i] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
      out[i + 1] = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#elif defined(__AVX2__)
      out[i] = __builtin_shufflevector(a, b, 0, 4, 1, 5);
      out[i + 1] = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#else
      out[i] = __builtin_shufflevector(a, b, 0, 2);
      out[i + 1] = __builtin_shufflevector(a, b, 1, 3);
#endif
    }
#pragma GCC unroll 8
    for (int i = 0; i < HALF; ++i) t[i] = out[i];
  }
}

// The variables of HALF blocks of one regime, in causal order; `own` is the one that it sets, or -1.
ACTIVA_INLINE void variables(const Linear& law, const Model& model, int64_t own, int64_t stride,
                             const float* const noise[4], int64_t at, double* x) {
  for (int64_t j = 0; j < law.d; ++j) {
    const bool set = j == own;
    const double scale = set ? law.jitter : law.beta ? 1.0 : law.noise[1], shift = set ? law.value : 0.0;
    Double sum[4];
#pragma GCC unroll 4
    for (int lane = 0; lane < 4; ++lane)
      sum[lane] = __builtin_convertvector(load<HalfFloat>(noise[lane] + j * stride + at), Double) *
                  scale;
    if (set)
      for (int lane = 0; lane < 4; ++lane) sum[lane] = shift + sum[lane];
    const int32_t parents = set ? 0 : model.parents[j];
    for (int32_t p = 0; p < parents; ++p) {
      const Double weight = all<Double>(model.weight[j * law.d + p]);
      const double* cause = x + model.parent[j * law.d + p] * 4 * HALF;
#pragma GCC unroll 4
      for (int lane = 0; lane < 4; ++lane) sum[lane] += weight * load<Double>(cause + lane * HALF);
    }
#pragma GCC unroll 4
    for (int lane = 0; lane < 4; ++lane) store(x + (4 * j + lane) * HALF, sum[lane]);
  }
}

// Writes the first `rows` of 4 HALF rows by column: row 4 k + lane is place k of a lane.
ACTIVA_INLINE void columns(const Linear& law, const Model& model, const double* x, int64_t rows,
                           float* out) {
  const int64_t d = law.d;
  int64_t c = 0;
  for (; c + HALF <= d; c += HALF) {
    HalfFloat tile[4][HALF];
#pragma GCC unroll 4
    for (int lane = 0; lane < 4; ++lane) {
#pragma GCC unroll 8
      for (int k = 0; k < HALF; ++k)
        tile[lane][k] = __builtin_convertvector(
            load<Double>(x + (4 * model.place[c + k] + lane) * HALF), HalfFloat);
      transpose(tile[lane]);
    }
#pragma GCC unroll 8
    for (int k = 0; k < HALF; ++k)
#pragma GCC unroll 4
      for (int lane = 0; lane < 4; ++lane)
        if (4 * k + lane < rows) store(out + (4 * k + lane) * d + c, tile[lane][k]);
  }
  for (; c < d; ++c)
    for (int64_t row = 0; row < rows; ++row)
      out[row * d + c] = float(x[(4 * model.place[c] + row % 4) * HALF + row / 4]);
}

}  // namespace

void block_words(const Model& model, const Counters& at, uint32_t* const out[4]) {
  const Keys keys(model.key);
  for (int64_t i = 0; i < at.n; i += LANES) {
    const Block block = block_at(keys, model, at, i);
    for (int lane = 0; lane < 4; ++lane) store(out[lane] + i, block.lane[lane]);
  }
}

void block_normals(const Model& model, const Counters& at, float* const out[4], const char* soon,
                   int64_t bytes) {
  const Keys keys(model.key);
  const int64_t step = (bytes * LANES / at.n + 63) / 64 * 64;
  for (int64_t i = 0; i < at.n; i += LANES) {
    for (const char* end = soon + step; soon < end; soon += 64) __builtin_prefetch(soon, 1);
    const Block block = block_at(keys, model, at, i);
    const Normals first = normals(block.lane[0], block.lane[1]);
    const Normals second = normals(block.lane[2], block.lane[3]);
    store(out[0] + i, first.cosine), store(out[1] + i, first.sine);
    store(out[2] + i, second.cosine), store(out[3] + i, second.sine);
  }
}

void write_rows(const Linear& law, const Model& model, const Chunk& chunk,
                const float* const noise[4], double* x, int64_t m) {
  const int64_t d = law.d, n = law.n, blocks = chunk.end - chunk.begin;
  // in the order in which they lie in the batch, which is what memory is best at
  for (int64_t place = 0; place <= law.samples * d; ++place) {
    const int64_t sample = (place - 1) / d, column = (place - 1) % d;
    const int64_t own = place ? model.place[column] : -1, r = place ? 1 + sample * d + own : 0;
    if (r < chunk.first || r >= chunk.last) continue;
    float* out = place == 0 ? law.obs + m * n * d
                            : (sample ? law.replicate : law.interv) + (m * d + column) * n * d;
    for (int64_t b = 0; b < blocks; b += HALF) {
      const int64_t row = 4 * (chunk.begin + b), left = 4 * (blocks - b);
      int64_t rows = n - row < left ? n - row : left;
      if (rows > 4 * HALF) rows = 4 * HALF;
      variables(law, model, own, chunk.stride, noise, (r - chunk.first) * blocks + b, x);
      columns(law, model, x, rows, out + row * d);
    }
  }
}

}  // namespace activa::ACTIVA_ISA
