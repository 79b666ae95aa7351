// Which samples and bandwidths the squares of floats can hold; the others are computed in doubles.
#pragma once

#include <cmath>

#include "cpu.hpp"

namespace activa {

enum class Range : unsigned char { usual, wide, infinite };

inline Range range_of(float largest) {
  if (!(largest < INFINITY)) return Range::infinite;
  return largest < 1e17f && (largest > 1e-15f || largest == 0) ? Range::usual : Range::wide;
}
inline Range range_of(double largest) {
  return largest < INFINITY ? Range::usual : Range::infinite;
}

struct Kernel {
  Value value;
  double scale;
  Range range;
};

// exp(-scale r^2) with scale = 1 / (2 s^2); where that is infinite only equal rows count.
inline Kernel kernel_of(double bandwidth) {
  const double scale = 0.5 / bandwidth / bandwidth;
  if (!(scale < INFINITY)) return {Value::equal, 0, Range::wide};
  return {Value::gaussian, scale, bandwidth > 1e-15 && bandwidth < 1e17 ? Range::usual : Range::wide};
}

}  // namespace activa
