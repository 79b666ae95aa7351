// The paper's linear models in one pass, from random numbers to the columns of a batch.
//
// linear.cpp splits the work. graph.cpp draws what a model is: choices, compiled once. rows.cpp draws
// numbers and rows and is compiled for each instruction set. d is the number of variables.
#pragma once

#include <cstdint>

#include "sets.hpp"

namespace activa {

// Laws, numbers and places of M models; all arrays are contiguous.
struct Linear {
  uint64_t key;
  int64_t M, d, n, samples;       // n rows in each regime, and so many samples of each query
  const uint64_t *word1, *word2;  // (M): counter words of a model
  uint64_t edge_below;            // 2^32 p
  double weight_low, weight_high;
  bool beta;                      // else noise is Gaussian
  double noise[2];                // Gaussian: 0 and its deviation. Beta: the range of its parameters
  double value, jitter;           // of the queries
  float *obs, *interv, *replicate;  // (M, n, d), (M, d, n, d), and the same or null
  float* values;                    // (M, d, d)
  bool *graphs, *targets;           // (M, d, d)
};

void draw_linear(const Linear&, Set, int threads);

// Counter words of n blocks beside those of the model; n is a multiple of WIDEST.
struct Counters {
  const uint32_t *block, *site, *axes;
  int64_t n;
};

// One model: its variables have causal numbers.
struct Model {
  uint64_t key;
  uint32_t word1, word2;
  int32_t *place, *column;  // (d): the number of each column, and the column of each number
  int32_t *parents;         // (d): how many
  int32_t *parent;          // (d, d): which, ascending
  double* weight;           // (d, d): of each
  double* shape;            // (d, 2): parameters of Beta noise
};

// Where the words of a model's parts begin, in blocks; word k of a part lies in lane k % 4.
struct Parts {
  explicit Parts(int64_t d)
      : row((d + 3) / 4), weights((d * d + 3) / 4), places(weights + d * row), noise(places + row) {}
  int64_t row, weights, places, noise;  // the graph begins at 0; blocks of a row of weights
};

void draw_model(const Linear&, const uint32_t* const words[4], const Model&, bool* graph);

// Regimes [first, last), and of each the blocks [begin, end) of four rows: the numbers of a variable,
// `stride` places a lane, have block b of regime r at (r - first) (end - begin) + b - begin.
struct Chunk {
  int64_t first, last, begin, end, stride;
};

struct BetaMemory {  // for the rows of a chunk, of all variables
  uint32_t *row, *axes;
  int32_t* left;
  double* gamma[2];
};

// block_normals fetches memory that is written to soon, while it computes.
#define ACTIVA_DECLARE(ISA)                                                           \
  namespace ISA {                                                                     \
  void block_words(const Model&, const Counters&, uint32_t* const out[4]);            \
  void block_normals(const Model&, const Counters&, float* const out[4],              \
                     const char* soon, int64_t bytes);                                \
  void beta_noise(const Linear&, const Model&, const Chunk&, const BetaMemory&,       \
                  float* const noise[4]);                                             \
  void write_rows(const Linear&, const Model&, const Chunk&,                          \
                  const float* const noise[4], double* x, int64_t m);                 \
  }
ACTIVA_EACH_SET(ACTIVA_DECLARE)
#undef ACTIVA_DECLARE

}  // namespace activa
