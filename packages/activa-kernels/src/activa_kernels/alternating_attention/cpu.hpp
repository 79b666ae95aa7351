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
  uint32_t threshold;                // of the dropout
  int64_t seed, step, layer;
};

// `workspace` holds what backward needs and is of workspace_bytes; null where nothing needs a
// gradient, then `middle` may be null too.
int64_t workspace_bytes(int64_t tokens, int64_t e, int64_t h, int64_t heads, int64_t bytes_of_T,
                        int64_t bytes_of_M);

template <class T, class M>
void attention_block_forward(const Block<T>&, T* out, T* middle, void* workspace, const char* isa,
                             int threads);

template <class T, class M>
void attention_block_backward(const Block<T>&, const T* grad_out, const T* middle,
                              const void* workspace, T* grad_x, const Weights<T*>& gradients,
                              const char* isa, int threads);

#define ACTIVA_DECLARE(ISA)                                                                        \
  namespace ISA {                                                                                  \
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
