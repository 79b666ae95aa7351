// Order statistics of the distances of all pairs of rows, by selection among their squares.
#include "lanes.hpp"

namespace activa::ACTIVA_ISA {
namespace {

constexpr int64_t FEW = 64;    // values whose ranks are counted one by one
constexpr int64_t MARGIN = 9;  // ranks of a sample of FEW: more than twice their deviation

#if defined(__AVX512F__)
ACTIVA_INLINE __mmask16 between(Vector<float> v, Vector<float> low, Vector<float> high) {
  return _mm512_cmp_ps_mask((__m512)v, (__m512)low, _CMP_GE_OQ) &
         _mm512_cmp_ps_mask((__m512)v, (__m512)high, _CMP_LE_OQ);
}
ACTIVA_INLINE __mmask8 between(Vector<double> v, Vector<double> low, Vector<double> high) {
  return _mm512_cmp_pd_mask((__m512d)v, (__m512d)low, _CMP_GE_OQ) &
         _mm512_cmp_pd_mask((__m512d)v, (__m512d)high, _CMP_LE_OQ);
}
ACTIVA_INLINE Vector<float> compressed(__mmask16 mask, Vector<float> v) {
  return (Vector<float>)_mm512_maskz_compress_ps(mask, (__m512)v);
}
ACTIVA_INLINE Vector<double> compressed(__mmask8 mask, Vector<double> v) {
  return (Vector<double>)_mm512_maskz_compress_pd(mask, (__m512d)v);
}
#endif

ACTIVA_INLINE float next(float from, float to) { return nextafterf(from, to); }
ACTIVA_INLINE double next(double from, double to) { return nextafter(from, to); }

// Copies the values in [low, high] to `out`, which may have LANES<T> more written; their number.
template <class T>
int64_t collect(const T* values, int64_t count, T low, T high, T* out) {
  int64_t found = 0, i = 0;
#if defined(__AVX512F__)
  for (; i + LANES<T> <= count; i += LANES<T>) {
    const Vector<T> v = load(values + i);
    const auto mask = between(v, splat(low), splat(high));
    store(out + found, compressed(mask, v));
    found += __builtin_popcount(mask);
  }
#endif
  for (; i < count; ++i) {  // no branch: which values are inside is not to be predicted
    const T value = values[i];
    out[found] = value;
    found += (value >= low) & (value <= high);
  }
  return found;
}

template <class T>
void count(const T* values, int64_t n, T low, T high, int64_t& below, int64_t& inside) {
  int64_t under = 0, over = 0;
  for (int64_t start = 0; start < n; start += 4096) {
    const int64_t stop = start + 4096 < n ? start + 4096 : n;
    int32_t u = 0, o = 0;
    for (int64_t i = start; i < stop; ++i) {
      u += values[i] < low;
      o += values[i] > high;
    }
    under += u;
    over += o;
  }
  below = under;
  inside = n - under - over;
}

// At most FEW values, and for each how many are less.
template <class T>
struct Ranks {
  static constexpr int64_t V = FEW / LANES<T>;
  Vector<T> value[V], less[V];

  // The values are n, or every `step`th of more.
  Ranks(const T* values, int64_t n, int64_t step) {
    T kept[FEW];
    for (int64_t i = 0; i < FEW; ++i) kept[i] = i < n ? values[i * step] : T(INFINITY);
    for (int64_t v = 0; v < V; ++v) {
      value[v] = load(kept + v * LANES<T>);
      less[v] = splat(T(0));
    }
    for (int64_t i = 0; i < n && i < FEW; ++i) {
      const Vector<T> one = splat(kept[i]);
      for (int64_t v = 0; v < V; ++v)
        less[v] += where_less(one, value[v], splat(T(1)), splat(T(0)));
    }
  }

  // The value of a rank: the largest of those that no more than `rank` are less than.
  T at(int64_t rank, int64_t* below = nullptr) const {
    T values[FEW], counts[FEW];
    for (int64_t v = 0; v < V; ++v) {
      const Vector<T> past = splat(T(rank) + T(0.5));
      store(values + v * LANES<T>, where_less(less[v], past, value[v], splat(T(-1))));
      store(counts + v * LANES<T>, where_less(less[v], past, less[v], splat(T(-1))));
    }
    T value = -1, count = -1;
    for (int64_t i = 0; i < FEW; ++i) {
      value = values[i] > value ? values[i] : value;
      count = counts[i] > count ? counts[i] : count;
    }
    if (below) *below = int64_t(count);
    return value;
  }
};

}  // namespace

template <class T>
int64_t pair_squares(const T* rows, const T* columns, int64_t width, int64_t N, int64_t d,
                     int64_t first, int64_t last, T* out) {
  T* at = out;
  for (int64_t i = first; i < last; ++i) {
    const T* row = rows + i * d;
    for (int64_t j = i + 1; j < N; j += LANES<T>) {
      Vector<T> square;
      squares<1>(&row, columns + j, width, d, &square);
      store(at + (j - i - 1), square);  // beyond N: the next row overwrites it
    }
    at += N - i - 1;
  }
  return at - out;
}

template <class T>
int64_t collect_between(const T* values, int64_t n, T low, T high, T* out, int64_t* below) {
  int64_t inside;
  count(values, n, low, high, *below, inside);
  return collect(values, n, low, high, out);
}

// A sample tells where the rank may lie; what lies elsewhere is left out, until few are left.
template <class T>
T select(const T* values, int64_t n, int64_t rank, T* scratch, int64_t* below) {
  int64_t left_out = 0;  // of what is below
  while (n > FEW) {
    const Ranks<T> sample(values, FEW, n / FEW);
    const int64_t near = (rank - left_out) * FEW / n;
    T low = sample.at(near > MARGIN ? near - MARGIN : 0);
    T high = sample.at(near + MARGIN < FEW ? near + MARGIN : FEW - 1);
    int64_t under, inside;
    count(values, n, low, high, under, inside);
    if (inside == n) {  // as where many are equal: one value does split them
      low = high = sample.at(FEW / 2);
      count(values, n, low, high, under, inside);
    }
    if (rank < left_out + under) {
      high = next(low, T(-1));
      low = 0;
      under = 0;
    } else if (rank >= left_out + under + inside) {
      low = next(high, T(INFINITY));
      high = T(INFINITY);
      under += inside;
    } else if (low == high) {
      *below = left_out + under;
      return low;
    }
    n = collect(values, n, low, high, scratch);
    left_out += under;
    values = scratch;
  }
  const T value = Ranks<T>(values, n, 1).at(rank - left_out, below);
  *below += left_out;
  return value;
}

template <class T>
T largest_below(const T* values, int64_t n, T value) {
  const Vector<T> nothing = splat(T(-1)), bound = splat(value);
  Vector<T> most = nothing;
  int64_t i = 0;
  for (; i + LANES<T> <= n; i += LANES<T>) {
    const Vector<T> v = load(values + i), lower = where_less(v, bound, v, nothing);
    most = where_less(most, lower, lower, most);
  }
  T lanes[LANES<T>], out = -1;
  store(lanes, most);
  for (int64_t l = 0; l < LANES<T>; ++l) out = lanes[l] > out ? lanes[l] : out;
  for (; i < n; ++i) out = values[i] < value && values[i] > out ? values[i] : out;
  return out;
}

#define ACTIVA_INSTANTIATE(T)                                                                      \
  template int64_t pair_squares<T>(const T*, const T*, int64_t, int64_t, int64_t, int64_t, int64_t, \
                                   T*);                                                            \
  template int64_t collect_between<T>(const T*, int64_t, T, T, T*, int64_t*);                      \
  template T select<T>(const T*, int64_t, int64_t, T*, int64_t*);                                  \
  template T largest_below<T>(const T*, int64_t, T);
ACTIVA_INSTANTIATE(float)
ACTIVA_INSTANTIATE(double)

}  // namespace activa::ACTIVA_ISA
