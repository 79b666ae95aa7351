// Logarithms and powers to base 2 in float32, the same bits on every instruction set.
#pragma once

#include "../_native/lanes.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// Logarithm of a positive number, with an absolute error below 2e-7 max(1, |result|).
ACTIVA_INLINE Float log2(Float x) {
  const Int exponent = (as<Int>(x) - 0x3f3504f3) >> 23;  // the rest is from sqrt(1/2) to sqrt(2)
  const Float f = as<Float>(as<Int>(x) - (exponent << 23)) - 1.0f, z = f * f;
  Float p = 7.0376836292e-2f * f - 1.1514610310e-1f;  // Cephes' coefficients
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  p = p * z * f - 0.5f * z + f;
  return p * 1.44269504f + __builtin_convertvector(exponent, Float);
}

// Power of exponents from -126 to 126, those beyond counting as these; a relative error below 4e-7.
ACTIVA_INLINE Float exp2(Float y) {
  y = select(y > 126.0f, all<Float>(126.0f), y);
  y = select(y < -126.0f, all<Float>(-126.0f), y);
  const Float moved = y + 12582912.0f;  // 1.5 * 2^23: leaves the nearest integer in the low bits
  const Float f = y - (moved - 12582912.0f);
  Float p = 1.5403530394e-4f * f + 1.3333558146e-3f;  // Taylor's, log(2)^k / k!
  p = p * f + 9.6181291076e-3f;
  p = p * f + 5.5504108665e-2f;
  p = p * f + 2.4022650696e-1f;
  p = p * f + 6.9314718056e-1f;
  p = p * f + 1.0f;
  return as<Float>(as<Int>(p) + (as<Int>(moved) << 23));
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
