// The feed-forward's non-linearity x Phi(x), Phi the normal distribution function, and its slope.
//
// Both follow from functions of |x|: by how much the value is below max(x, 0), |x| Phi(-|x|), and the
// slope at -|x|, Phi(-|x|) - |x| phi(x). Their errors in float are below 2e-7; beside Bfloat16, 1e-5.
#include "phases.hpp"
#include "vector.hpp"

namespace activa::ACTIVA_ISA {
namespace {

constexpr double ROOT_HALF = 0.70710678118654752, DENSITY_AT_0 = 0.39894228040143268;

template <class T>
struct Gelu {
  Vector<T> below, slope;
};

double exact_below(double size) { return 0.5 * size * erfc(size * ROOT_HALF); }
double exact_slope(double size) {
  return 0.5 * erfc(size * ROOT_HALF) - size * DENSITY_AT_0 * exp(-0.5 * size * size);
}

template <class M>
struct Functions;

template <>
struct Functions<double> {
  Gelu<double> at(Vector<double> size) const {
    double lanes[LANES<double>], below[LANES<double>], slope[LANES<double>];
    memcpy(lanes, &size, sizeof size);
    for (int l = 0; l < LANES<double>; ++l) {
      below[l] = exact_below(lanes[l]);
      slope[l] = exact_slope(lanes[l]);
    }
    return {load(below), load(slope)};
  }
};

#ifdef __AVX512F__

// Polynomials through Chebyshev's points of 16 pieces, PIECE wide, the first around 0. Registers hold
// the coefficients and look them up.
constexpr double PIECE = 0.38;

template <int DEGREE>
struct Polynomials {
  float coefficients[DEGREE + 1][16];

  explicit Polynomials(double (*f)(double)) {
    for (int piece = 0; piece < 16; ++piece) {
      double at[DEGREE + 1], differences[DEGREE + 1], c[DEGREE + 1] = {};
      for (int i = 0; i <= DEGREE; ++i) {
        at[i] = 0.5 * cos(3.14159265358979324 * (i + 0.5) / (DEGREE + 1));
        differences[i] = f((piece + at[i]) * PIECE);
      }
      for (int order = 1; order <= DEGREE; ++order)
        for (int i = DEGREE; i >= order; --i)
          differences[i] = (differences[i] - differences[i - 1]) / (at[i] - at[i - order]);
      for (int i = DEGREE; i >= 0; --i) {  // c = c * (t - at[i]) + differences[i]
        for (int power = DEGREE; power > 0; --power) c[power] = c[power - 1] - at[i] * c[power];
        c[0] = differences[i] - at[i] * c[0];
      }
      for (int power = 0; power <= DEGREE; ++power) coefficients[power][piece] = float(c[power]);
    }
  }

  static Vector<float> look_up(const float* table, Vector<int32_t> piece) {
    return (Vector<float>)_mm512_permutexvar_ps((__m512i)piece, (__m512)load(table));
  }

  Vector<float> at(Vector<int32_t> piece, Vector<float> t) const {
    Vector<float> p = look_up(coefficients[DEGREE], piece);
    ACTIVA_UNROLL
    for (int power = DEGREE - 1; power >= 0; --power)
      p = (Vector<float>)_mm512_fmadd_ps((__m512)p, (__m512)t, (__m512)look_up(coefficients[power], piece));
    return p;
  }
};

template <class M>
struct Functions {
  static constexpr int DEGREE = sizeof(M) == 2 ? 3 : 5;
  Polynomials<DEGREE> below{exact_below}, slope{exact_slope};

  Gelu<float> at(Vector<float> size) const {
    const Vector<float> scaled = smaller(size, splat(float(15.49 * PIECE))) * splat(float(1 / PIECE));
    const Vector<float> shifted = scaled + splat(12582912.0f);  // its last bits are the nearest integer
    const Vector<float> t = scaled - (shifted - splat(12582912.0f));
    return {below.at(bits_of(shifted), t), slope.at(bits_of(shifted), t)};
  }
};

#else

// Abramowitz and Stegun 7.1.26
template <class M>
struct Functions {
  Gelu<float> at(Vector<float> size) const {
    const Vector<float> power = exponential(size * size * splat(-0.5f));
    const Vector<float> t = splat(1.0f) / (size * splat(float(0.3275911 * ROOT_HALF)) + splat(1.0f));
    Vector<float> p = splat(0.5f * 1.061405429f);
    p = p * t + splat(0.5f * -1.453152027f);
    p = p * t + splat(0.5f * 1.421413741f);
    p = p * t + splat(0.5f * -0.284496736f);
    p = p * t + splat(0.5f * 0.254829592f);
    const Vector<float> tail = p * t * power;
    return {size * tail, tail - size * power * splat(float(DENSITY_AT_0))};
  }
};

#endif

}  // namespace

template <class T, class M>
void gelu(const M* hidden, int64_t count, M* out) {
  static const Functions<M> functions;
  const auto value = [&](Vector<T> x) { return larger(x, splat(T(0))) - functions.at(magnitude(x)).below; };
  for (int64_t i = 0; i < count; i += 2 * LANES<T>) {
    const Two<T> x = load_two<T>(hidden + i);
    store_two<T>(out + i, {value(x.first), value(x.second)});
  }
}

template <class T, class M>
void gelu_backward(const M* hidden, const T* grad, int64_t rows, M* out, M* grad_hidden, T* grad_bias) {
  static const Functions<M> functions;
  const auto both = [&](Vector<T> x, const T* upstream, Vector<T>& value, Vector<T>& change) {
    const Gelu<T> g = functions.at(magnitude(x));
    value = larger(x, splat(T(0))) - g.below;
    change = load(upstream) * where_negative(x, g.slope, splat(T(1)) - g.slope);
  };
  for (int64_t c = 0; c < PANEL; c += 2 * LANES<T>) {
    Two<T> sum = load_two<T>(grad_bias + c), value, change;
    for (int64_t i = c; i < rows * PANEL; i += PANEL) {
      const Two<T> x = load_two<T>(hidden + i);
      both(x.first, grad + i, value.first, change.first);
      both(x.second, grad + i + LANES<T>, value.second, change.second);
      store_two<T>(out + i, value);
      store_two<T>(grad_hidden + i, change);
      sum.first += change.first;
      sum.second += change.second;
    }
    store_two<T>(grad_bias + c, sum);
  }
}

template void gelu<float>(const float*, int64_t, float*);
template void gelu<float>(const Bfloat16*, int64_t, Bfloat16*);
template void gelu<double>(const double*, int64_t, double*);
template void gelu_backward(const float*, const float*, int64_t, float*, float*, float*);
template void gelu_backward(const Bfloat16*, const float*, int64_t, Bfloat16*, Bfloat16*, float*);
template void gelu_backward(const double*, const double*, int64_t, double*, double*, double*);

}  // namespace activa::ACTIVA_ISA
