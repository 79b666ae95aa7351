// The elementary functions of random numbers in float64, the same bits on every instruction set.
#pragma once

#include "random.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// Whole numbers below 2^52 as they are.
ACTIVA_INLINE Double to_double(Wide number) {
  return as<Double>(number | uint64_t(0x4330000000000000)) - 0x1p52;
}

// (word + 0.5) / 2^32
ACTIVA_INLINE Double to_unit(HalfWord word) {
  return (to_double(__builtin_convertvector(word, Wide)) + 0.5) * 0x1p-32;
}

// Logarithm of a normal positive number, as in Sun's fdlibm: an error below one unit of the last place.
ACTIVA_INLINE Double log(Double x) {
  // x = 2^(e - 1024) (1 + f) with 1 + f from sqrt(1/2) to sqrt(2)
  const Wide e = (as<Wide>(x) + (uint64_t(1024) << 52) - uint64_t(0x3fe6a09e667f3bcd)) >> 52;
  const Double f = as<Double>(as<Wide>(x) - ((e - uint64_t(1024)) << 52)) - 1.0;
  const Double k = to_double(e) - 1024.0, s = f / (2.0 + f), z = s * s, w = z * z;
  Double even = 1.531383769920937332e-01 * w + 2.222219843214978396e-01;
  even = (even * w + 3.999999999940941908e-01) * w;
  Double odd = 1.479819860511658591e-01 * w + 1.818357216161805012e-01;
  odd = ((odd * w + 2.857142874366239149e-01) * w + 6.666666666666735130e-01) * z;
  const Double half = 0.5 * f * f;
  const Double rest = s * (half + (odd + even)) + k * 1.90821492927058770002e-10;
  return k * 6.93147180369123816490e-01 - ((half - rest) - f);
}

// Exponential of numbers from -700 to 700, with a relative error below 1e-15.
ACTIVA_INLINE Double exp(Double x) {
  const Double moved = x * 1.4426950408889634 + 0x1.8p52;  // the nearest integer in the low bits
  const Double k = moved - 0x1.8p52;
  const Double r = x - k * 6.93147180369123816490e-01 - k * 1.90821492927058770002e-10;
  Double p = 1.0 / 479001600.0 * r + 1.0 / 39916800.0;  // Taylor's, 1 / 12! and so on
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = (p * r + 1.0) * r + 1.0;
  return as<Double>(as<Wide>(p) + (as<Wide>(moved) << 52));
}

struct Wave {
  Double cosine, sine;
};

// Cosine and sine of 2 pi (word + 0.5) / 2^32, with an error below 3e-16.
ACTIVA_INLINE Wave wave(HalfWord word) {
  const Wide place = __builtin_convertvector(word, Wide);
  // a quarter turn, and an angle from -pi/4 to pi/4 beside it
  const Wide quarter = (place + uint64_t(0x20000000)) >> 30;
  const Double x = (to_double(place) + 0.5 - to_double(quarter) * 0x1p30) * 0x1.921fb54442d18p-30;
  const Double z = x * x;
  Double s = 1.58969099521155010221e-10 * z - 2.50507602534068634195e-08;  // fdlibm's
  s = s * z + 2.75573137070700676789e-06;
  s = s * z - 1.98412698298579493134e-04;
  s = s * z + 8.33333333332248946124e-03;
  s = (s * z - 1.66666666666666324348e-01) * (z * x) + x;
  Double c = -1.13596475577881948265e-11 * z + 2.08757232129817482790e-09;
  c = c * z - 2.75573143513906633035e-07;
  c = c * z + 2.48015872894767294178e-05;
  c = c * z - 1.38888888888741095749e-03;
  c = c * z + 4.16666666666666019037e-02;
  c = (c * z - 0.5) * z + 1.0;
  const Long swapped = (quarter & uint64_t(1)) != uint64_t(0);
  const Wide cosine_sign = ((quarter + uint64_t(1)) & uint64_t(2)) << 62;
  const Wide sine_sign = (quarter & uint64_t(2)) << 62;
  return {as<Double>(as<Wide>(select(swapped, s, c)) ^ cosine_sign),
          as<Double>(as<Wide>(select(swapped, c, s)) ^ sine_sign)};
}

}  // namespace
}  // namespace activa::ACTIVA_ISA
