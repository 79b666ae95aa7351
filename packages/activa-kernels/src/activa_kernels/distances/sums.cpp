// Sums over the distances of all rows of two samples, never held as a matrix.
#include "lanes.hpp"

namespace activa::ACTIVA_ISA {
namespace {

struct Distance {
  template <class V>
  V operator()(V square) const {
    return root(square);
  }
};

template <class T>
struct Gaussian {
  T scale;
  Vector<T> operator()(Vector<T> square) const { return exponential(square * splat(-scale)); }
};

template <class T>
struct Equal {
  Vector<T> operator()(Vector<T> square) const {
    for (int64_t l = 0; l < LANES<T>; ++l) square[l] = square[l] == 0 ? T(1) : T(0);
    return square;
  }
};

// Adds factor_r sum_j weights_j f(r_rj) over columns [from, to) of a tile to `sum`.
template <class T, class F>
ACTIVA_INLINE void add(const T* const* rows, const double* factors, const T* columns,
                       int64_t width, const double* weights, int64_t from, int64_t to, int64_t d,
                       F f, Wide<T>& sum) {
  Wide<T> sums[GROUP];
  for (Wide<T>& s : sums) s = nothing<T>();
  for (int64_t j = from; j < to; j += LANES<T>) {
    Vector<T> square[GROUP];
    squares<GROUP>(rows, columns + j, width, d, square);
    Vector<double> weight[Wide<T>::PARTS];
    for (int i = 0; i < Wide<T>::PARTS; ++i) weight[i] = load(weights + j + i * LANES<double>);
    for (int64_t r = 0; r < GROUP; ++r) {
      const Wide<T> value = widened(f(square[r]));
      for (int i = 0; i < Wide<T>::PARTS; ++i)
        sums[r].part[i] = value.part[i] * weight[i] + sums[r].part[i];
    }
  }
  for (int64_t r = 0; r < GROUP; ++r)
    for (int i = 0; i < Wide<T>::PARTS; ++i)
      sum.part[i] = sums[r].part[i] * splat(factors[r]) + sum.part[i];
}

template <class T, class F>
double sum_of(const SumTask<T>& t, F f, T* columns, double* weights) {
  Wide<T> sum = nothing<T>();
  for (int64_t tile = t.within ? t.first : 0; tile < t.m; tile += TILE) {
    const int64_t count = t.m - tile < TILE ? t.m - tile : TILE;
    const int64_t width = rounded_up(count, DIAGONAL);
    transpose(t.y, tile, count, t.d, width, columns);
    for (int64_t j = 0; j < width; ++j) weights[j] = j < count ? t.b[tile + j] : 0.0;
    for (int64_t i = t.first; i < t.last; i += GROUP) {
      const T* rows[GROUP];
      double once[GROUP], twice[GROUP];
      for (int64_t r = 0; r < GROUP; ++r) {
        const bool there = i + r < t.last;
        rows[r] = t.x + (there ? i + r : i) * t.d;
        once[r] = there ? t.a[i + r] : 0.0;
        twice[r] = 2 * once[r];
      }
      if (!t.within) {
        add(rows, once, columns, width, weights, 0, width, t.d, f, sum);
        continue;
      }
      int64_t from = i / DIAGONAL * DIAGONAL - tile;  // the block on the diagonal
      if (from >= width) continue;
      if (from >= 0) add(rows, once, columns, width, weights, from, from + DIAGONAL, t.d, f, sum);
      from = from >= 0 ? from + DIAGONAL : 0;
      add(rows, twice, columns, width, weights, from, width, t.d, f, sum);
    }
  }
  return total<T>(sum);
}

}  // namespace

template <class T>
double weighted_sum(const SumTask<T>& task, T* columns, double* weights) {
  switch (task.value) {
    case Value::distance: return sum_of(task, Distance{}, columns, weights);
    case Value::gaussian: return sum_of(task, Gaussian<T>{T(task.scale)}, columns, weights);
    default: return sum_of(task, Equal<T>{}, columns, weights);
  }
}

// As integers, magnitudes are in the same order, and what is not finite is above all that is.
float largest_magnitude(const float* p, int64_t count) {
  uint32_t most = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits;
    memcpy(&bits, p + i, sizeof bits);
    bits &= 0x7fffffff;
    most = bits > most ? bits : most;
  }
  float out;
  memcpy(&out, &most, sizeof out);
  return most < 0x7f800000 ? out : INFINITY;
}

double largest_magnitude(const double* p, int64_t count) {
  uint64_t most = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bits;
    memcpy(&bits, p + i, sizeof bits);
    bits &= 0x7fffffffffffffff;
    most = bits > most ? bits : most;
  }
  double out;
  memcpy(&out, &most, sizeof out);
  return most < 0x7ff0000000000000 ? out : double(INFINITY);
}

template double weighted_sum<float>(const SumTask<float>&, float*, double*);
template double weighted_sum<double>(const SumTask<double>&, double*, double*);

}  // namespace activa::ACTIVA_ISA
