// Between the tensors and the padded rows of a tile: gathering, adding back, rounding, summing.
#include "phases.hpp"
#include "vector.hpp"

namespace activa::ACTIVA_ISA {

template <class T>
void take_rows(const T* x, const int64_t* tokens, int64_t rows, int64_t e, T* out) {
  for (int64_t r = 0; r < rows; ++r, out += padded(e)) {
    memcpy(out, x + tokens[r] * e, size_t(e) * sizeof(T));
    for (int64_t c = e; c < padded(e); ++c) out[c] = 0;
  }
}

template <class T>
void add_rows(const T* values, const T* residual, const int64_t* tokens, int64_t rows, int64_t e,
              T* out) {
  for (int64_t r = 0; r < rows; ++r, values += padded(e)) {
    const int64_t at = tokens[r] * e;
    int64_t c = 0;
    for (; c + LANES<T> <= e; c += LANES<T>)
      store(out + at + c, load(residual + at + c) + load(values + c));
    for (; c < e; ++c) out[at + c] = residual[at + c] + values[c];
  }
}

template <class T, class M>
void round_numbers(const T* values, int64_t count, M* out) {
  for (int64_t i = 0; i < count; i += LANES<T>) store(out + i, load(values + i));
}

template <class T, class M>
void add_column_sums(const M* values, int64_t rows, int64_t width, T* sums) {
  for (int64_t c = 0; c < width; c += LANES<T>) {
    Vector<T> sum = load(sums + c);
    for (int64_t r = 0; r < rows; ++r) sum += load(values + r * width + c);
    store(sums + c, sum);
  }
}

#define ACTIVA_INSTANTIATE(T)                                                                   \
  template void take_rows(const T*, const int64_t*, int64_t, int64_t, T*);                      \
  template void add_rows(const T*, const T*, const int64_t*, int64_t, int64_t, T*);             \
  template void round_numbers(const T*, int64_t, T*);                                           \
  template void add_column_sums(const T*, int64_t, int64_t, T*);
ACTIVA_INSTANTIATE(float)
ACTIVA_INSTANTIATE(double)
template void round_numbers(const float*, int64_t, Bfloat16*);
template void add_column_sums(const Bfloat16*, int64_t, int64_t, float*);

}  // namespace activa::ACTIVA_ISA
