// Splits a mixture problem into tasks whose bounds depend on the shapes alone, so that results are
// the same for any number of threads: components, then blocks of rows, then components again.
#include "cpu.hpp"

#include <cstring>
#include <vector>

#include "../_native/pool.hpp"

namespace activa {
namespace {

template <class T>
struct Kernels {  // of one instruction set
  decltype(&base::prepare<T>) prepare;
  decltype(&base::forward_rows<T>) forward_rows;
  decltype(&base::backward_rows<T>) backward_rows;
  decltype(&base::backward_component<T>) backward_component;
};

template <class T>
Kernels<T> kernels_of(const char* isa) {
#ifdef ACTIVA_X86
  if (!std::strncmp(isa, "avx512", 6))  // avx512bf16 too: nothing here is Bfloat16
    return {avx512::prepare<T>, avx512::forward_rows<T>, avx512::backward_rows<T>,
            avx512::backward_component<T>};
  if (!std::strcmp(isa, "avx2"))
    return {avx2::prepare<T>, avx2::forward_rows<T>, avx2::backward_rows<T>,
            avx2::backward_component<T>};
#endif
  (void)isa;
  return {base::prepare<T>, base::forward_rows<T>, base::backward_rows<T>,
          base::backward_component<T>};
}

// Blocks of 128 rows, or more if that would make over 64 of them: they bound the backward's memory.
struct Blocks {
  explicit Blocks(int64_t N)
      : rows(N > 64 * 128 ? (N + 63) / 64 : 128), count(N > 0 ? (N + rows - 1) / rows : 1) {}
  int64_t rows, count;
};

// Waking a thread costs as much as some 50,000 multiplications: less work stays with the caller.
template <class T>
int worth(const Mixture<T>& m, int threads) {
  const int64_t rows = m.N * m.d * (m.r < m.d ? 2 * m.r : m.d), once = m.d * m.d * m.r;
  return m.B * m.C * (rows + once) < 100'000 ? 1 : threads;
}

struct Workspace {
  template <class T>
  Workspace(const Mixture<T>& m, int threads)
      : stride(component_size(m.d, m.r)),
        components(m.B * m.C * stride),
        scratch_stride(scratch_size(m.C, m.d, m.r)),
        scratch(threads * scratch_stride) {}

  double* scratch_of(int slot) { return scratch.data() + slot * scratch_stride; }

  int64_t stride;
  std::vector<double> components;
  int64_t scratch_stride;
  std::vector<double> scratch;
};

template <class T>
void prepare_all(const Mixture<T>& m, const Kernels<T>& k, Workspace& work, int threads) {
  parallel_for(m.B * m.C, threads, [&](int64_t bc, int slot) {
    double* at = work.components.data() + bc * work.stride;
    k.prepare(m, bc / m.C, bc % m.C, component_at(at, m.d, m.r), work.scratch_of(slot));
  });
}

}  // namespace

template <class T>
void mixture_forward(const Mixture<T>& m, T* out, const char* isa, int threads) {
  const Kernels<T> k = kernels_of<T>(isa);
  const Blocks blocks(m.N);
  threads = worth(m, threads);
  Workspace work(m, threads);
  prepare_all(m, k, work, threads);
  parallel_for(m.B * blocks.count, threads, [&](int64_t task, int slot) {
    const int64_t b = task / blocks.count, first = task % blocks.count * blocks.rows;
    const int64_t last = first + blocks.rows < m.N ? first + blocks.rows : m.N;
    double* components = work.components.data() + b * m.C * work.stride;
    k.forward_rows(m, b, first, last, components, out, work.scratch_of(slot));
  });
}

template <class T>
void mixture_backward(const Mixture<T>& m, const T* grad_out, const MixtureGradients<T>& grad,
                      const char* isa, int threads) {
  const Kernels<T> k = kernels_of<T>(isa);
  const Blocks blocks(m.N);
  threads = worth(m, threads);
  Workspace work(m, threads);
  prepare_all(m, k, work, threads);
  const int64_t size = partial_size(m.d, m.r), stride = m.C * size;
  std::vector<double> partials(m.B * blocks.count * stride);
  parallel_for(m.B * blocks.count, threads, [&](int64_t task, int slot) {
    const int64_t b = task / blocks.count, first = task % blocks.count * blocks.rows;
    const int64_t last = first + blocks.rows < m.N ? first + blocks.rows : m.N;
    double* components = work.components.data() + b * m.C * work.stride;
    k.backward_rows(m, b, first, last, components, grad_out, grad.x,
                    partials.data() + task * stride, work.scratch_of(slot));
  });
  parallel_for(m.B * m.C, threads, [&](int64_t bc, int slot) {
    const int64_t b = bc / m.C, c = bc % m.C;
    double* sum = partials.data() + b * blocks.count * stride + c * size;
    for (int64_t block = 1; block < blocks.count; ++block)
      for (int64_t i = 0; i < size; ++i) sum[i] += sum[block * stride + i];
    double* at = work.components.data() + bc * work.stride;
    k.backward_component(m, b, c, component_at(at, m.d, m.r), partial_at(sum, m.d, m.r), grad,
                         work.scratch_of(slot));
  });
}

template void mixture_forward<float>(const Mixture<float>&, float*, const char*, int);
template void mixture_forward<double>(const Mixture<double>&, double*, const char*, int);
template void mixture_backward<float>(const Mixture<float>&, const float*,
                                      const MixtureGradients<float>&, const char*, int);
template void mixture_backward<double>(const Mixture<double>&, const double*,
                                       const MixtureGradients<double>&, const char*, int);

}  // namespace activa
