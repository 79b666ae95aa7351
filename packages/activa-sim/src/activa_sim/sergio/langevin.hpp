// Expression by the chemical Langevin equation of langevin.py: problem, memory, what each unit defines.
//
// expression.cpp goes through models and genes. langevin.cpp does the arithmetic, in float32, and is
// compiled for each instruction set. A lane is one trajectory of a gene: condition, cell type and
// path, in this order. M models, d genes, R conditions, C cell types.
#pragma once

#include <cstdint>

#include "../_native/sets.hpp"

namespace activa {

enum class Kicks { dpd, sp, spd };

// All arrays are contiguous.
struct Expression {
  int64_t M, d, R, C;
  int64_t cells, paths;  // of each model, condition and type; paths are 1, or as many as cells
  int64_t rows;          // that are written of each condition, at most C * cells
  bool wild_type;        // whose half-responses hold in all conditions
  Kicks kicks;
  uint64_t key;
  const uint64_t *word1, *word2;            // (M): counter words of a model
  const bool *graphs, *activates;           // (M, d, d)
  const double *strength, *basal;           // (M, d, d), (M, d, C)
  const double *hill, *decay, *amplitude;   // (M)
  const double* factors;                    // (M, R, d)
  const int64_t* points;                    // (d): length of a trajectory of each level, from 0
  const int64_t* ages;                      // (M, R, cells): places from the end, 1 the last; or null:
  int64_t window;                           // each is one of so many, at random
  bool shuffled;                            // whether rows are in random order
  float* const* out;                        // (R): rows (rows, d) of each condition's first model
  const int64_t* stride;                    // (R): from one model to the next
};

void draw_expression(const Expression&, Set, int threads);

struct Regulator {
  const float* course;  // its saturation: (lanes) at its mean, then at each point in time
  float strength;
  bool represses;
};

struct Gene {
  uint64_t key;
  uint32_t word1, word2;
  int64_t lanes;                 // a multiple of WIDEST; those that fill up have factor 0
  int64_t blocks;                // of four steps in time
  const uint32_t *block, *axes;  // (lanes): first counter word of the first block, and the last word
  const float *factor, *basal;   // (lanes)
  const Regulator* regulators;
  int64_t regulated;  // by so many
  float decay, kick;  // rate, and amplitude times the root of a time step
  Kicks kicks;
};

#define ACTIVA_DECLARE(ISA)                                                                       \
  namespace ISA {                                                                                 \
  /* Lanes [first, last) at 1 + 4 blocks points: point t of lane l at x[t stride + l - first]. */ \
  void trajectories(const Gene&, int64_t first, int64_t last, float* x, int64_t stride);          \
  /* Replaces points (n, lanes) by x^hill / (half^hill + x^hill), half (lanes). */                \
  void saturate(float* x, int64_t n, int64_t lanes, const float* half, float hill);               \
  }
ACTIVA_EACH_SET(ACTIVA_DECLARE)
#undef ACTIVA_DECLARE

}  // namespace activa
