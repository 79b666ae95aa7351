// Where the time of a block goes, on request: a phase says when it has ended, and what has passed
// since the one before ended is its own.
//
// Only the thread that asked is watched; for every other one a call returns at once. A tile makes some
// twenty calls.
#pragma once

namespace activa {

enum class Pass { outside, forward, backward };
static const char* const PASSES[] = {"outside", "forward", "backward"};

enum class Phase {
  other,
  packing,           // of weights
  norm,              // and on the way back its gradient
  query_key_value,   // and what follows but for the gelu: products, on the way back of rows
  attention,
  projection,
  residual,          // and dropout, rounding, gradients of biases
  feed_forward,
  gelu,
  layout,            // of rows for products of weight gradients
  weight_gradients,  // products
  reduction,         // of weight gradients
};
static const char* const PHASES[] = {"other",        "packing", "norm",   "query_key_value",
                                     "attention",    "projection", "residual", "feed_forward",
                                     "gelu",         "layout",  "weight_gradients", "reduction"};
constexpr int PASS_COUNT = sizeof(PASSES) / sizeof(*PASSES);
constexpr int PHASE_COUNT = sizeof(PHASES) / sizeof(*PHASES);

void pass_began(Pass);     // what has passed belongs to the pass before, as other
void phase_ended(Phase);

struct Watched {
  double seconds[PASS_COUNT][PHASE_COUNT];  // of the thread's own time; what reading the clock takes is left out
};
void start_watch();
Watched stop_watch();

}  // namespace activa
