// The transformer block on the CPU: problem, memory layout, and what each unit defines.
//
// cpu.cpp splits the work into tiles; the other units do the arithmetic and are compiled once for
// each instruction set, in a namespace of its name. So a function in this header must be `static`:
// one copy a unit. An inline one could be merged by the linker, which may keep the AVX-512 copy.
//
// A tile is some whole batch items, their real tokens one after another: row t of the tile is the
// real token `tokens[t]` of x. Padding is never read, so nothing below the tile knows of it.
// T is the type of the residual stream and of sums, M that of the inputs of matrix products:
// (float, float), (double, double) or (float, Bfloat16).
#pragma once

#include <cstdint>

namespace activa {

struct Bfloat16 {
  uint16_t bits;  // the upper half of a float, rounded to nearest even
};

// Every matrix of a tile is row-major and its rows are padded with zeros to whole panels of 64
// columns: a matrix of width e has stride padded(e). Buffers are aligned to 64 bytes.
constexpr int64_t PANEL = 64;

[[maybe_unused]] static int64_t padded(int64_t width) { return (width + PANEL - 1) / PANEL * PANEL; }

// Real tokens of one batch item: (n, j) is row first + n * d + j of the tile; n < N, j < d, the real
// numbers of samples and variables.
struct Item {
  int64_t first, N, d;
};

struct Tile {
  int64_t e, heads;
  bool over_samples;      // a sequence is the N samples of a variable, else the d variables of a sample
  const Item* items;
  int64_t item_count;
  const int64_t* tokens;  // (rows): which token of x, counted in (B, N, d), a row is
  int64_t rows;
};

// Of one site. A survivor is scaled by 65536 / (65536 - threshold); threshold 0 is no dropout.
struct Dropout {
  uint64_t key;
  uint32_t threshold;
};

// The twelve tensors of BlockWeights, in its order.
template <class P>
struct Weights {
  P attention_norm_weight, attention_norm_bias, query_key_value_weight, query_key_value_bias,
      projection_weight, projection_bias, feed_forward_norm_weight, feed_forward_norm_bias,
      hidden_weight, hidden_bias, output_weight, output_bias;
};

// x is (B, N, d, e), contiguous. n_obs and n_vars (B) or null: no padding.
template <class T>
struct Block {
  int64_t B, N, d, e, h, heads;
  bool over_samples;
  const T* x;
  Weights<const T*> weights;
  const int64_t *n_obs, *n_vars;
  Dropout dropout[2];  // after the projection, after the feed-forward
};

// `workspace` holds what backward needs and is of workspace_bytes; null where nothing needs a
// gradient, then `middle` is null too.
template <class T, class M>
int64_t workspace_bytes(int64_t tokens, int64_t e, int64_t h, int64_t heads);

template <class T, class M>
void attention_block_forward(const Block<T>&, T* out, T* middle, void* workspace, const char* isa,
                             int threads);

template <class T, class M>
void attention_block_backward(const Block<T>&, const T* grad_out, const T* middle,
                              const void* workspace, T* grad_x, const Weights<T*>& gradients,
                              const char* isa, int threads);

// The weights as products read them. A (K, N) matrix is panels of (padded(K), 64), one after another;
// elements are of a type of the instruction set (phases.hpp), never larger than T.
template <class T>
struct PackedWeights {
  Weights<const T*> vectors;  // norms and biases, padded with zeros; its matrices are null
  void *query, *key, *value, *projection, *hidden, *output;  // transposed for the forward pass
};

template <class T>
struct Moments {  // of a row that is normalised
  T mean, scale;  // scale is 1 / standard deviation
};

// What a forward pass leaves of a tile for the backward pass.
template <class T, class M>
struct Saved {
  M *query, *key, *value, *attended;  // (rows, padded(e))
  M* hidden;                          // before the non-linearity, (padded(h) / 64, rows, 64), or null
  Moments<T>*moments, *middle_moments;  // (rows) of x and of middle
  T* log_sums;                          // (rows, heads), or null
};

// Phases take a tile's rows in blocks that stay in the cache.
[[maybe_unused]] static int64_t rows_at_once(int64_t rows) {
  const int64_t most = 320, blocks = rows < 1 ? 1 : (rows + most - 1) / most;
  return ((rows + blocks - 1) / blocks + 11) / 12 * 12;
}

// Sums of weight gradients lie in blocks of (64, 64), (outputs / 64, inputs / 64, 64, 64), those of
// output_weight transposed; query_key_value is three such matrices and three padded vectors.
template <class T>
[[maybe_unused]] static Weights<T*> gradient_sums(T* p, int64_t e, int64_t h) {
  const int64_t E = padded(e), H = padded(h);
  Weights<T*> w;
  w.attention_norm_weight = p, p += E;
  w.attention_norm_bias = p, p += E;
  w.query_key_value_weight = p, p += 3 * E * E;
  w.query_key_value_bias = p, p += 3 * E;
  w.projection_weight = p, p += E * E;
  w.projection_bias = p, p += E;
  w.feed_forward_norm_weight = p, p += E;
  w.feed_forward_norm_bias = p, p += E;
  w.hidden_weight = p, p += H * E;
  w.hidden_bias = p, p += H;
  w.output_weight = p, p += H * E;
  w.output_bias = p;
  return w;
}
[[maybe_unused]] static int64_t gradient_numbers(int64_t e, int64_t h) {
  const int64_t E = padded(e), H = padded(h);
  return 4 * E * E + 2 * H * E + 9 * E + H;
}

#define ACTIVA_DECLARE(ISA)                                                                        \
  namespace ISA {                                                                                  \
  /* pack.cpp, for the forward or the backward pass. Returns the bytes it takes of `memory`; null:  \
     only counts. */                                                                               \
  template <class T, class M>                                                                      \
  int64_t pack_weights(const Block<T>&, bool backward, void* memory, PackedWeights<T>*);           \
  /* forward.cpp, for rows [first, last) of a tile of at most rows_at_once: what comes before the  \
     attention, and after. Where nothing needs a gradient, middle and out may be one. */           \
  template <class T, class M>                                                                      \
  int64_t forward_scratch(const Block<T>&, int64_t rows);                                          \
  template <class T, class M>                                                                      \
  void before_attention(const Block<T>&, const PackedWeights<T>&, const Tile&, int64_t first,      \
                        int64_t last, const Saved<T, M>&, void* scratch);                          \
  template <class T, class M>                                                                      \
  void after_attention(const Block<T>&, const PackedWeights<T>&, const Tile&, int64_t first,       \
                       int64_t last, const Saved<T, M>&, T* middle, T* out, void* scratch);        \
  /* backward.cpp, for a whole tile: writes its rows of grad_x, adds to the sums. */               \
  template <class T, class M>                                                                      \
  int64_t backward_scratch(const Block<T>&, int64_t rows, int64_t longest);                        \
  template <class T, class M>                                                                      \
  void backward_tile(const Block<T>&, const PackedWeights<T>&, const Tile&, const Saved<T, M>&,    \
                     const T* middle, const T* grad_out, T* grad_x, const Weights<T*>& sums,       \
                     void* scratch);                                                               \
  /* attention.cpp. q, k, v, out and their gradients are (rows, padded(e)) each, head after head;  \
     columns e and up are written as zeros. log_sums (rows, heads) are the log of the sum of the   \
     exponentials of the scaled scores: written by forward unless null, read by backward, which    \
     makes the probabilities again. Scores are scaled by 1 / sqrt(e / heads). The tile's sequences \
     are independent: those numbered [first, last) are done, where sequence s of an item counts    \
     on from the items before it. scratch is of attention_scratch bytes, `longest` the longest     \
     sequence. */                                                                                  \
  template <class T, class M>                                                                      \
  int64_t attention_scratch(int64_t longest, int64_t e, int64_t heads);                            \
  template <class T, class M>                                                                      \
  void attention_forward(const Tile&, int64_t first, int64_t last, const M* q, const M* k,         \
                         const M* v, M* out, T* log_sums, void* scratch);                          \
  template <class T, class M>                                                                      \
  void attention_backward(const Tile&, int64_t first, int64_t last, const M* q, const M* k,        \
                          const M* v, const M* out, const T* log_sums, const M* grad_out,          \
                          M* grad_q, M* grad_k, M* grad_v, void* scratch);                         \
  /* dropout.cpp. values (rows, stride), in place: column c < e of row r is element                \
     tokens[r] * e + c of (B, N, d, e), and is zeroed or scaled. */                                \
  uint64_t dropout_key(int64_t seed, int64_t step, int64_t layer, int64_t site);                   \
  template <class T>                                                                               \
  void drop(const Dropout&, const int64_t* tokens, int64_t rows, int64_t e, T* values,             \
            int64_t stride);                                                                       \
  }
ACTIVA_DECLARE(base)
#ifdef ACTIVA_X86
ACTIVA_DECLARE(avx2)
ACTIVA_DECLARE(avx512)
ACTIVA_DECLARE(avx512bf16)
#endif
#undef ACTIVA_DECLARE

}  // namespace activa
