// Quadratic forms w'Gw of a matrix of distances or kernel values, of which one block exists at once.
//
// FORMS vectors w lie side by side, so that all of them are one matrix product with the block.
#include "lanes.hpp"

namespace activa::ACTIVA_ISA {
namespace {

// Sets block (rows / GROUP, columns, GROUP) of G: doubled above the diagonal, zero below.
template <class T>
void fill(const FormTask<T>& t, const T* columns, int64_t width, int64_t first, int64_t count,
          double* block) {
  for (int64_t i = t.first; i < t.last; i += GROUP) {
    const T* rows[GROUP];
    for (int64_t r = 0; r < GROUP; ++r) rows[r] = t.rows + (i + r < t.last ? i + r : i) * t.d;
    double* at = block + (i - t.first) * BLOCK;
    for (int64_t j = 0; j < count; j += LANES<T>) {
      Vector<T> square[GROUP];
      squares<GROUP>(rows, columns + j, width, t.d, square);
      for (int64_t r = 0; r < GROUP; ++r) {
        Vector<T> v = square[r];
        if (t.value == Value::distance) v = root(v);
        if (t.value == Value::gaussian) v = exponential(v * splat(T(-t.scale)));
        T lanes[LANES<T>];
        memcpy(lanes, &v, sizeof v);
        for (int64_t l = 0; l < LANES<T>; ++l) {
          const double value = t.value == Value::equal ? double(lanes[l] == 0) : double(lanes[l]);
          at[(j + l) * GROUP + r] = value;
        }
      }
    }
    for (int64_t j = 0; j < count; ++j)
      for (int64_t r = 0; r < GROUP; ++r) {
        const int64_t row = i + r, column = first + j;
        at[j * GROUP + r] *= row >= t.last || column < row ? 0.0 : column == row ? 1.0 : 2.0;
      }
  }
}

// Adds w_i G_ij w_j over GROUP rows and columns [from, count) to the sums of V vectors of forms.
template <int V>
ACTIVA_INLINE void multiply(const double* block, const double* of_rows, const double* of_columns,
                            int64_t from, int64_t count, double* sums) {
  Vector<double> inner[GROUP][V];
  for (auto& row : inner)
    for (Vector<double>& v : row) v = splat(0.0);
  for (int64_t j = from; j < count; ++j) {
    Vector<double> w[V];
    for (int v = 0; v < V; ++v) w[v] = load(of_columns + j * FORMS + v * LANES<double>);
    for (int64_t r = 0; r < GROUP; ++r)
      for (int v = 0; v < V; ++v) inner[r][v] = splat(block[j * GROUP + r]) * w[v] + inner[r][v];
  }
  for (int v = 0; v < V; ++v) {
    Vector<double> sum = load(sums + v * LANES<double>);
    for (int64_t r = 0; r < GROUP; ++r)
      sum = inner[r][v] * load(of_rows + r * FORMS + v * LANES<double>) + sum;
    store(sums + v * LANES<double>, sum);
  }
}

}  // namespace

template <class T>
void add_forms(const FormTask<T>& t, T* columns, double* block, double* out) {
  constexpr int VECTORS = 4;
  for (int64_t first = t.first; first < t.N; first += BLOCK) {
    const int64_t count = t.N - first < BLOCK ? t.N - first : BLOCK;
    const int64_t width = rounded_up(count, DIAGONAL);
    transpose(t.rows, first, count, t.d, width, columns);
    fill(t, columns, width, first, count, block);
    for (int64_t panel = 0; panel * FORMS < t.K; ++panel) {
      const double* forms = t.forms + panel * t.padded * FORMS;
      for (int64_t i = t.first; i < t.last; i += GROUP) {
        const int64_t from = first == t.first ? i - first : 0;
        const double *of_rows = forms + i * FORMS, *of_columns = forms + first * FORMS;
        for (int64_t k = 0; k < FORMS && panel * FORMS + k < t.K; k += VECTORS * LANES<double>)
          multiply<VECTORS>(block + (i - t.first) * BLOCK, of_rows + k, of_columns + k, from, count,
                            out + panel * FORMS + k);
      }
    }
  }
}

template void add_forms<float>(const FormTask<float>&, float*, double*, double*);
template void add_forms<double>(const FormTask<double>&, double*, double*, double*);

}  // namespace activa::ACTIVA_ISA
