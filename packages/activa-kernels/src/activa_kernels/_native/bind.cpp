// Bindings only: numpy arrays and addresses in, C++ pointers out, the GIL released in between.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "../distances/cpu.hpp"
#include "../mixture_log_prob/cpu.hpp"
#include "pool.hpp"

namespace py = pybind11;
using namespace activa;

namespace {

using Address = std::uintptr_t;  // of the first element of a contiguous tensor; op.py checks them
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

Float64 transport(const Float64& cost, const Float64& a, const Float64& b, int threads) {
  const int64_t pairs = cost.shape(0), n = cost.shape(1), m = cost.shape(2);
  Float64 out(pairs);
  const double *c = cost.data(), *p = a.data(), *q = b.data();
  double* result = out.mutable_data();
  py::gil_scoped_release release;
  parallel_for(pairs, threads, [&](int64_t k, int) {
    result[k] = transport_cost(c + k * n * m, p + k * n, q + k * m, n, m);
  });
  return out;
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
  module.def("transport_cost", &transport, py::arg("cost").noconvert(), py::arg("a").noconvert(),
             py::arg("b").noconvert(), py::arg("threads"));
}
