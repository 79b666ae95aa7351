// The assignment problem by shortest augmenting paths (Jonker & Volgenant, 1987).
//
// Prices v make all reduced costs (cost_ij - v_j) - min_j (cost_ij - v_j) >= 0. Most rows get a column
// by a few cheap reductions; for each that is left, Dijkstra over the reduced costs finds the nearest
// free column, the prices move so that the path costs nothing, and the columns along it change hands.
#include "lanes.hpp"

namespace activa::ACTIVA_ISA {
namespace {

constexpr int64_t NONE = -1;
constexpr int PASSES = 2;  // of `reduce_rows`
constexpr int64_t L = LANES<double>;

template <class T = double>
ACTIVA_INLINE Vector<T> counting() {
  T lanes[LANES<T>];
  for (int64_t l = 0; l < LANES<T>; ++l) lanes[l] = T(l);
  return load(lanes);
}

// The least of the lanes, and its column.
template <class T>
ACTIVA_INLINE int64_t first_of_lanes(Vector<T> keys, Vector<T> columns, T* least) {
  T key[LANES<T>], column[LANES<T>];
  store(key, keys);
  store(column, columns);
  int64_t best = 0;
  for (int64_t l = 1; l < LANES<T>; ++l) best = key[l] < key[best] ? l : best;
  *least = key[best];
  return int64_t(column[best]);
}
ACTIVA_INLINE int64_t first_of(Vector<float> keys, Vector<float> columns, float* least) {
  return first_of_lanes<float>(keys, columns, least);
}
ACTIVA_INLINE int64_t first_of(Vector<double> keys, Vector<double> columns, double* least) {
#if defined(__AVX512F__)
  *least = _mm512_reduce_min_pd((__m512d)keys);
  const __mmask8 there = _mm512_cmp_pd_mask((__m512d)keys, _mm512_set1_pd(*least), _CMP_EQ_OQ);
  return int64_t(_mm512_cvtsd_f64(_mm512_maskz_compress_pd(there, (__m512d)columns)));
#else
  return first_of_lanes<double>(keys, columns, least);
#endif
}

// The least two of a row's costs less prices, and the column of the first.
struct Two {
  double least, second;
  int64_t column;
};

Two least_two(const Assignment& a, int64_t i) {
  const double* cost = a.cost + i * a.width;
  Vector<double> least = splat(double(INFINITY)), second = least;
  Vector<double> column = splat(0.0), at = counting();
  for (int64_t j = 0; j < a.width; j += L, at += splat(double(L))) {
    const Vector<double> reduced = load(cost + j) - load(a.prices + j);
    column = where_less(reduced, least, at, column);
    second = smaller(second, larger(least, reduced));
    least = smaller(least, reduced);
  }
  Two out;
  out.column = first_of(least, column, &out.least);
  // of the lane that has the least, the second remains
  const Vector<double> chosen = splat(double(out.column));
  const Vector<double> rest = where_less(column, chosen, least, where_less(chosen, column, least, second));
  first_of(rest, column, &out.second);
  return out;
}

void give(const Assignment& a, int64_t i, int64_t j) {
  a.column_of[i] = j;
  a.row_of[j] = i;
}

// The least cost of each column is its price; a row that has one gets that column.
void reduce_columns(const Assignment& a) {
  for (int64_t j = 0; j < a.width; ++j) {
    a.prices[j] = a.cost[j];
    a.distance[j] = 0;
  }
  for (int64_t i = 1; i < a.n; ++i) {
    const double* cost = a.cost + i * a.width;
    for (int64_t j = 0; j < a.width; j += L) {
      const Vector<double> c = load(cost + j), price = load(a.prices + j);
      store(a.distance + j, where_less(c, price, splat(double(i)), load(a.distance + j)));
      store(a.prices + j, where_less(c, price, c, price));
    }
  }
  for (int64_t j = a.n; j < a.width; ++j) a.prices[j] = 0;
  for (int64_t i = 0; i < a.n; ++i) a.column_of[i] = a.row_of[i] = NONE;
  for (int64_t i = 0; i < a.n; ++i) a.done[i] = 0;
  for (int64_t j = a.n; j-- > 0;) {
    const int64_t i = int64_t(a.distance[j]);
    ++a.done[i];
    if (a.column_of[i] == NONE) give(a, i, j);
  }
  // a row with one column only can lower that one's price, until its second choice is as good
  for (int64_t i = 0; i < a.n; ++i) {
    if (a.done[i] != 1) continue;
    const Two two = least_two(a, i);
    const int64_t j = a.column_of[i];
    const double own = a.cost[i * a.width + j] - a.prices[j];
    const double other = two.column == j ? two.second : two.least;
    if (other > own && a.n > 1) a.prices[j] -= other - own;
  }
}

// Each free row takes its first choice at a price that makes the second as good; whoever had it is free.
int64_t reduce_rows(const Assignment& a, int64_t free) {
  for (int pass = 0; pass < PASSES && free > 0; ++pass) {
    int64_t left = 0;
    for (int64_t at = 0; at < free; ++at) {
      const int64_t i = a.open[at];
      const Two two = least_two(a, i);
      int64_t j = two.column, before = a.row_of[j];
      const double price = a.prices[j] - (two.second - two.least);
      const bool lower = price < a.prices[j];
      if (lower) {
        a.prices[j] = price;
      } else if (before != NONE) {  // a tie: the second choice may be free
        const double* cost = a.cost + i * a.width;
        for (int64_t other = 0; other < a.n; ++other)
          if (a.row_of[other] == NONE && cost[other] - a.prices[other] <= two.least) {
            j = other;
            before = NONE;
            break;
          }
      }
      if (before != NONE) {
        a.column_of[before] = NONE;
        a.open[left++] = before;
      }
      give(a, i, j);
    }
    free = left;
  }
  return free;
}

// Dijkstra from a free row to the nearest free column; then prices and the path are moved.
void augment(const Assignment& a, int64_t start) {
  for (int64_t j = 0; j < a.width; j += L) {
    store(a.distance + j, splat(double(INFINITY)));
    store(a.shut + j, splat(0.0));
  }
  int64_t i = start, done = 0, nearest;
  double reached = 0;
  for (;;) {
    const double* cost = a.cost + i * a.width;
    const double own = i == start ? 0.0 : cost[a.column_of[i]] - a.prices[a.column_of[i]] - reached;
    Vector<double> least = splat(double(INFINITY)), column = splat(0.0), at = counting();
    for (int64_t j = 0; j < a.width; j += L, at += splat(double(L))) {
      const Vector<double> shut = load(a.shut + j);
      const Vector<double> through = load(cost + j) - load(a.prices + j) - splat(own) + shut;
      const Vector<double> before = load(a.distance + j);
      const Vector<double> now = smaller(through, before);
      store(a.distance + j, now);
      store(a.from_row + j, where_less(through, before, splat(double(i)), load(a.from_row + j)));
      const Vector<double> key = now + shut;
      column = where_less(key, least, at, column);
      least = smaller(least, key);
    }
    nearest = first_of(least, column, &reached);
    if (a.row_of[nearest] == NONE) break;
    a.done[done++] = nearest;
    a.shut[nearest] = INFINITY;
    i = a.row_of[nearest];
  }
  for (int64_t k = 0; k < done; ++k) a.prices[a.done[k]] += a.distance[a.done[k]] - reached;
  for (int64_t j = nearest; j != NONE;) {
    const int64_t row = int64_t(a.from_row[j]), next = a.column_of[row];
    give(a, row, j);
    j = next;
  }
}

}  // namespace

int64_t least_reduced(const double* cost, const double* prices, int64_t width, double* least) {
  Vector<double> lowest = splat(double(INFINITY)), column = splat(0.0), at = counting();
  for (int64_t j = 0; j < width; j += L, at += splat(double(L))) {
    const Vector<double> reduced = load(cost + j) - load(prices + j);
    column = where_less(reduced, lowest, at, column);
    lowest = smaller(lowest, reduced);
  }
  return first_of(lowest, column, least);
}

template <class T>
void cheapest_of_group(const T* const* rows, const T* prices, int64_t width, int64_t* columns) {
  Vector<T> lowest[GROUP], column[GROUP], at = counting<T>();
  for (int64_t r = 0; r < GROUP; ++r) {
    lowest[r] = splat(T(INFINITY));
    column[r] = splat(T(0));
  }
  for (int64_t j = 0; j < width; j += LANES<T>, at += splat(T(LANES<T>))) {
    const Vector<T> price = load(prices + j);
    for (int64_t r = 0; r < GROUP; ++r) {
      const Vector<T> reduced = load(rows[r] + j) - price;
      column[r] = where_less(reduced, lowest[r], at, column[r]);
      lowest[r] = smaller(lowest[r], reduced);
    }
  }
  T least;
  for (int64_t r = 0; r < GROUP; ++r) columns[r] = first_of(lowest[r], column[r], &least);
}

template void cheapest_of_group<float>(const float* const*, const float*, int64_t, int64_t*);
template void cheapest_of_group<double>(const double* const*, const double*, int64_t, int64_t*);

void assign(const Assignment& a) {
  reduce_columns(a);
  int64_t free = 0;
  for (int64_t i = 0; i < a.n; ++i)
    if (a.column_of[i] == NONE) a.open[free++] = i;
  free = reduce_rows(a, free);
  for (int64_t k = 0; k < free; ++k) augment(a, a.open[k]);
}

template <class T>
void fill_costs(const T* x, const T* y, int64_t first, int64_t last, int64_t m, int64_t d, double p,
                int64_t width, T* columns, double* cost) {
  for (int64_t tile = 0; tile < m; tile += TILE) {
    const int64_t count = m - tile < TILE ? m - tile : TILE, wide = rounded_up(count, DIAGONAL);
    transpose(y, tile, count, d, wide, columns);
    for (int64_t i = first; i < last; i += GROUP) {
      const T* rows[GROUP];
      for (int64_t r = 0; r < GROUP; ++r) rows[r] = x + (i + r < last ? i + r : i) * d;
      for (int64_t j = 0; j < wide; j += LANES<T>) {
        Vector<T> square[GROUP];
        squares<GROUP>(rows, columns + j, wide, d, square);
        for (int64_t r = 0; r < GROUP && i + r < last; ++r) {
          const Wide<T> value = widened(p == 2 ? square[r] : root(square[r]));
          for (int v = 0; v < Wide<T>::PARTS; ++v)
            store(cost + (i + r) * width + tile + j + v * LANES<double>, value.part[v]);
        }
      }
    }
  }
  for (int64_t i = first; i < last; ++i) {
    double* row = cost + i * width;
    for (int64_t j = 0; p != 1 && p != 2 && j < m; ++j) row[j] = pow(row[j], p);
    for (int64_t j = m; j < width; ++j) row[j] = INFINITY;
  }
}

template void fill_costs<float>(const float*, const float*, int64_t, int64_t, int64_t, int64_t,
                                double, int64_t, float*, double*);
template void fill_costs<double>(const double*, const double*, int64_t, int64_t, int64_t, int64_t,
                                 double, int64_t, double*, double*);

}  // namespace activa::ACTIVA_ISA
