// Bindings only: numpy arrays in and out, the GIL released in between.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "instructions.hpp"
#include "linear.hpp"
#include "sets.hpp"
#include "streams.hpp"

namespace py = pybind11;
using namespace activa;

void bind_sergio(py::module_&);  // sergio/bind.cpp

namespace {

using Words = py::array_t<uint64_t, py::array::c_style>;
using Rows64 = py::array_t<double, py::array::c_style>;
using Rows32 = py::array_t<float, py::array::c_style>;
using Truths = py::array_t<bool, py::array::c_style>;

std::vector<std::string> instruction_sets() {  // best last, in the order of Set
  std::vector<std::string> names{"base"};
#ifdef ACTIVA_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) names.push_back("avx2");
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && names.back() == "avx2")
    names.push_back("avx512");
#endif
  return names;
}

Streams streams(uint64_t key, const Words& word1, const Words& word2, const Words& word3) {
  return {key, word1.size(), word1.data(), word2.data(), word3.data()};
}

// n numbers a stream, (streams, n), by one of the functions of streams.hpp.
template <class T, void (*draw)(const Streams&, int64_t, T*, Set, int)>
py::array_t<T> numbers(uint64_t key, const Words& word1, const Words& word2, const Words& word3,
                       int64_t n, const std::string& isa, int threads) {
  py::array_t<T> out({int64_t(word1.size()), n});
  const Streams at = streams(key, word1, word2, word3);
  T* data = out.mutable_data();
  py::gil_scoped_release release;
  draw(at, n, data, set_of(isa), threads);
  return out;
}

py::array_t<double> gammas(uint64_t key, const Words& word1, const Words& word2, const Words& word3,
                           const Rows64& concentration, int64_t n, const std::string& isa,
                           int threads) {
  py::array_t<double> out({int64_t(word1.size()), n});
  const Streams at = streams(key, word1, word2, word3);
  double* data = out.mutable_data();
  const double* alpha = concentration.data();
  py::gil_scoped_release release;
  draw_gammas(at, alpha, n, data, set_of(isa), threads);
  return out;
}

// Counter words (M); laws in the order of Linear; obs (M, n, d), interv and replicate or None (M, d, n, d),
// values, graphs and targets (M, d, d), all of them written.
void linear(uint64_t key, const Words& word1, const Words& word2, uint64_t edge_below,
            std::array<double, 2> weights, bool beta, std::array<double, 2> noise,
            std::array<double, 2> query, Rows32 obs, Rows32 interv, std::optional<Rows32> replicate,
            Rows32 values, Truths graphs, Truths targets, const std::string& isa, int threads) {
  Linear law{key, obs.shape(0), obs.shape(2), obs.shape(1), replicate ? 2 : 1, word1.data(),
             word2.data(), edge_below, weights[0], weights[1], beta, {noise[0], noise[1]}, query[0],
             query[1], obs.mutable_data(), interv.mutable_data(),
             replicate ? replicate->mutable_data() : nullptr, values.mutable_data(),
             graphs.mutable_data(), targets.mutable_data()};
  py::gil_scoped_release release;
  draw_linear(law, set_of(isa), threads);
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.doc() = "Compiled random numbers and passes; their definitions are in NumPy.";
  module.def("instruction_sets", &instruction_sets);
  const auto define = [&](const char* name, auto function) {
    module.def(name, function, py::arg("key"), py::arg("word1").noconvert(),
               py::arg("word2").noconvert(), py::arg("word3").noconvert(), py::arg("n"),
               py::arg("isa"), py::arg("threads"));
  };
  define("words", &numbers<uint32_t, draw_words>);
  define("normals", &numbers<double, draw_normals>);
  module.def("gammas", &gammas, py::arg("key"), py::arg("word1").noconvert(),
             py::arg("word2").noconvert(), py::arg("word3").noconvert(),
             py::arg("concentration").noconvert(), py::arg("n"), py::arg("isa"), py::arg("threads"));
  module.def("linear", &linear, py::arg("key"), py::arg("word1").noconvert(),
             py::arg("word2").noconvert(), py::arg("edge_below"), py::arg("weights"),
             py::arg("beta"), py::arg("noise"), py::arg("query"), py::arg("obs").noconvert(),
             py::arg("interv").noconvert(), py::arg("interv_replicate").noconvert(),
             py::arg("values").noconvert(), py::arg("graphs").noconvert(),
             py::arg("targets").noconvert(), py::arg("isa"), py::arg("threads"));
  bind_sergio(module);
}
