// Bindings only: numpy arrays and addresses in, C++ pointers out, the GIL released in between.
#ifdef __linux__
#include <malloc.h>
#endif
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "../alternating_attention/cpu.hpp"
#include "../alternating_attention/stopwatch.hpp"
#include "../distances/cpu.hpp"
#include "../mixture_log_prob/cpu.hpp"
#include "pool.hpp"

namespace py = pybind11;
using namespace activa;

namespace {

using Address = std::uintptr_t;  // of the first element of a contiguous tensor; op.py checks them
using Lengths = std::array<std::vector<int64_t>, 2>;
using Float64 = py::array_t<double, py::array::c_style>;

std::vector<std::string> instruction_sets() {  // best last
  std::vector<std::string> names{"base"};
#ifdef ACTIVA_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) names.push_back("avx2");
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && names.back() == "avx2")
    names.push_back("avx512");
  if (__builtin_cpu_supports("avx512bf16") && names.back() == "avx512")
    names.push_back("avx512bf16");
#endif
  return names;
}

template <class T>
Mixture<T> mixture(std::array<int64_t, 5> shape, std::array<Address, 5> inputs) {
  const auto at = [&](int i) { return reinterpret_cast<const T*>(inputs[i]); };
  return {shape[0], shape[1], shape[2], shape[3], shape[4], at(0), at(1), at(2), at(3), at(4)};
}

template <class T>
void forward(std::array<int64_t, 5> shape, std::array<Address, 5> inputs, Address out,
             const std::string& isa, int threads) {
  py::gil_scoped_release release;
  mixture_forward(mixture<T>(shape, inputs), reinterpret_cast<T*>(out), isa.c_str(), threads);
}

template <class T>
void backward(std::array<int64_t, 5> shape, std::array<Address, 5> inputs, Address grad_out,
              std::array<Address, 5> gradients, const std::string& isa, int threads) {
  const auto at = [&](int i) { return reinterpret_cast<T*>(gradients[i]); };
  py::gil_scoped_release release;
  mixture_backward(mixture<T>(shape, inputs), reinterpret_cast<const T*>(grad_out),
                   MixtureGradients<T>{at(0), at(1), at(2), at(3), at(4)}, isa.c_str(), threads);
}

// Arrays of the ops on distances; op.py and transport.py have made them contiguous and fit each other.
template <class T>
using Array = py::array_t<T, py::array::c_style>;

template <class T>
SamplePairs<T> sample_pairs(const Array<T>& x, const Array<T>& y, const Float64& a, const Float64& b) {
  const int64_t P = x.shape(0), n = x.shape(1), m = y.shape(1);
  const int64_t a_stride = a.shape(0) == P ? n : 0, b_stride = b.shape(0) == P ? m : 0;
  return {P, n, m, x.shape(2), x.data(), y.data(), a.data(), b.data(), a_stride, b_stride};
}

template <class T>
void terms(const Array<T>& x, const Array<T>& y, const Float64& a, const Float64& b,
           const Float64& bandwidths, Float64& out, const std::string& isa, int threads) {
  const SamplePairs<T> pairs = sample_pairs(x, y, a, b);
  const int64_t K = bandwidths.shape(1);
  const double* scales = bandwidths.data();
  double* result = out.mutable_data();
  py::gil_scoped_release release;
  distance_terms(pairs, scales, K, result, isa.c_str(), threads);
}

template <class T>
void median(const Array<T>& rows, bool or_mean, Float64& out, const std::string& isa, int threads) {
  const int64_t P = rows.shape(0), N = rows.shape(1), d = rows.shape(2);
  const T* sample = rows.data();
  double* result = out.mutable_data();
  py::gil_scoped_release release;
  pooled_median(sample, P, N, d, or_mean, result, isa.c_str(), threads);
}

template <class T>
void forms(const Array<T>& rows, const Float64& vectors, const Float64& bandwidths, Float64& out,
           const std::string& isa, int threads) {
  const int64_t P = rows.shape(0), N = rows.shape(1), d = rows.shape(2), K = vectors.shape(0);
  const T* sample = rows.data();
  const double *w = vectors.data(), *scales = bandwidths.size() ? bandwidths.data() : nullptr;
  double* result = out.mutable_data();
  py::gil_scoped_release release;
  quadratic_forms(sample, P, N, d, w, K, scales, result, isa.c_str(), threads);
}

void assign(const Float64& cost, Array<int64_t>& out, const std::string& isa, int threads) {
  const int64_t P = cost.shape(0), n = cost.shape(1);
  const double* c = cost.data();
  int64_t* result = out.mutable_data();
  py::gil_scoped_release release;
  assignment(c, P, n, result, isa.c_str(), threads);
}

int64_t move_mass(const Float64& cost, const Float64& a, const Float64& b, Float64& out, Float64& plan,
                  const std::string& isa, int threads) {
  const int64_t P = cost.shape(0), n = cost.shape(1), m = cost.shape(2);
  const double *c = cost.data(), *p = a.data(), *q = b.data();
  double *result = out.mutable_data(), *flows = plan.size() ? plan.mutable_data() : nullptr;
  py::gil_scoped_release release;
  return transport(c, p, q, P, n, m, result, flows, isa.c_str(), threads);
}

template <class T>
int64_t wasserstein(const Array<T>& x, const Array<T>& y, const Float64& a, const Float64& b, double p,
                    Float64& out, const std::string& isa, int threads) {
  const SamplePairs<T> pairs = sample_pairs(x, y, a, b);
  double* result = out.mutable_data();
  py::gil_scoped_release release;
  return wasserstein_power(pairs, p, result, isa.c_str(), threads);
}

template <class T>
void bind_distances(py::module_& module) {
  const auto array = [](const char* name) { return py::arg(name).noconvert(); };
  module.def("distance_terms", &terms<T>, array("x"), array("y"), array("a"), array("b"),
             array("bandwidths"), array("out"), py::arg("isa"), py::arg("threads"));
  module.def("pooled_median", &median<T>, array("rows"), py::arg("or_mean"), array("out"),
             py::arg("isa"), py::arg("threads"));
  module.def("quadratic_forms", &forms<T>, array("rows"), array("forms"), array("bandwidths"),
             array("out"), py::arg("isa"), py::arg("threads"));
  module.def("wasserstein_power", &wasserstein<T>, array("x"), array("y"), array("a"), array("b"),
             py::arg("p"), array("out"), py::arg("isa"), py::arg("threads"));
}

template <class P>
Weights<P> twelve(std::array<Address, 12> p) {
  const auto at = [&](int i) { return reinterpret_cast<P>(p[i]); };
  return {at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9), at(10), at(11)};
}

// lengths are n_obs and n_vars, empty where nothing is padded; key is (seed, step, layer, threshold)
template <class T>
Block<T> block(std::array<int64_t, 6> shape, bool over_samples, Address x,
               std::array<Address, 12> weights, const Lengths& lengths,
               std::array<int64_t, 4> key) {
  const auto [B, N, d, e, h, heads] = shape;
  const auto site = [&](int64_t i) -> Dropout {
    return {base::dropout_key(key[0], key[1], key[2], i), uint32_t(key[3])};
  };
  const auto of = [&](int i) { return lengths[i].empty() ? nullptr : lengths[i].data(); };
  return {B, N, d, e, h, heads, over_samples, reinterpret_cast<const T*>(x),
          twelve<const T*>(weights), of(0), of(1), {site(0), site(1)}};
}

template <class T, class M>
void attention_forward(std::array<int64_t, 6> shape, bool over_samples, Address x,
                       std::array<Address, 12> weights, const Lengths& lengths,
                       std::array<int64_t, 4> key, Address out, Address middle, Address workspace,
                       const std::string& isa, int threads) {
  py::gil_scoped_release release;
  attention_block_forward<T, M>(block<T>(shape, over_samples, x, weights, lengths, key),
                                reinterpret_cast<T*>(out), reinterpret_cast<T*>(middle),
                                reinterpret_cast<void*>(workspace), isa.c_str(), threads);
}

template <class T, class M>
void attention_backward(std::array<int64_t, 6> shape, bool over_samples, Address x,
                        std::array<Address, 12> weights, const Lengths& lengths,
                        std::array<int64_t, 4> key, Address grad_out, Address middle,
                        Address workspace, Address grad_x, std::array<Address, 12> gradients,
                        const std::string& isa, int threads) {
  py::gil_scoped_release release;
  attention_block_backward<T, M>(
      block<T>(shape, over_samples, x, weights, lengths, key), reinterpret_cast<const T*>(grad_out),
      reinterpret_cast<const T*>(middle), reinterpret_cast<const void*>(workspace),
      reinterpret_cast<T*>(grad_x), twelve<T*>(gradients), isa.c_str(), threads);
}

template <class T, class M>
void bind_attention(py::module_& module, const std::string& precision) {
  module.def(("attention_workspace_bytes_" + precision).c_str(), &workspace_bytes<T, M>);
  module.def(("attention_forward_" + precision).c_str(), &attention_forward<T, M>);
  module.def(("attention_backward_" + precision).c_str(), &attention_backward<T, M>);
}

// Seconds of this thread by pass and phase since the watch was started.
std::map<std::string, std::map<std::string, double>> watched() {
  const Watched found = stop_watch();
  std::map<std::string, std::map<std::string, double>> seconds;
  for (int pass = 0; pass < PASS_COUNT; ++pass)
    for (int phase = 0; phase < PHASE_COUNT; ++phase)
      seconds[PASSES[pass]][PHASES[phase]] = found.seconds[pass][phase];
  return seconds;
}

// Buffers of a training step are freed and wanted again every step: glibc's allocator otherwise gives
// them back to the system, which then has to clear their pages again.
bool keep_freed_memory() {
#ifdef __GLIBC__
  return mallopt(M_MMAP_THRESHOLD, 1 << 30) && mallopt(M_TRIM_THRESHOLD, 0x7fffffff) &&
         mallopt(M_TOP_PAD, 64 << 20);
#else
  return false;
#endif
}

}  // namespace

PYBIND11_MODULE(_cpu, module) {
  module.doc() = "The compiled kernels; what calls them is `op.py` in each family.";
  module.attr("cuda_compiler") = ACTIVA_CUDA_COMPILER;
  module.def("instruction_sets", &instruction_sets);
  module.def("mixture_forward_float32", &forward<float>);
  module.def("mixture_forward_float64", &forward<double>);
  module.def("mixture_backward_float32", &backward<float>);
  module.def("mixture_backward_float64", &backward<double>);
  bind_attention<float, float>(module, "float32");
  bind_attention<float, Bfloat16>(module, "bfloat16");
  bind_attention<double, double>(module, "float64");
  module.def("start_watch", &start_watch);
  module.def("stop_watch", &watched);
  module.def("keep_freed_memory", &keep_freed_memory);
  bind_distances<float>(module);
  bind_distances<double>(module);
  module.def("assignment", &assign, py::arg("cost").noconvert(), py::arg("out").noconvert(),
             py::arg("isa"), py::arg("threads"));
  module.def("transport", &move_mass, py::arg("cost").noconvert(), py::arg("a").noconvert(),
             py::arg("b").noconvert(), py::arg("out").noconvert(), py::arg("plan").noconvert(),
             py::arg("isa"), py::arg("threads"));
}
