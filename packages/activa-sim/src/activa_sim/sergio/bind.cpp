// Bindings of gene regulation only: numpy arrays in and out, the GIL released in between.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../_native/instructions.hpp"
#include "langevin.hpp"
#include "modules.hpp"
#include "rates.hpp"
#include "technical.hpp"

namespace py = pybind11;
using namespace activa;

namespace {

template <class T>
using Array = py::array_t<T, py::array::c_style>;
using Truths = Array<bool>;
using Numbers = Array<double>;

Kicks kicks_of(const std::string& name) {
  return name == "dpd" ? Kicks::dpd : name == "sp" ? Kicks::sp : Kicks::spd;
}

// word1 and word2 (M); graphs, activates and strength (M, d, d); basal (M, d, C); scalars are hill,
// decay and amplitude, each (M); factors (M, R, d); points (d); ages (M, R, cells) or None. Fills
// the arrays (M, ..., rows, d) of out, which share the R conditions.
void expression(uint64_t key, std::array<Array<uint64_t>, 2> words, Truths graphs,
                Truths activates, Numbers strength, Numbers basal, std::array<Numbers, 3> scalars,
                Numbers factors, Array<int64_t> points, std::optional<Array<int64_t>> ages,
                int64_t cells, int64_t window, int64_t paths, bool shuffled, bool wild_type,
                const std::string& kicks, std::vector<Array<float>> out, const std::string& isa,
                int threads) {
  const int64_t M = factors.shape(0), R = factors.shape(1), d = factors.shape(2);
  const int64_t rows = out[0].shape(2);
  std::vector<float*> of_condition;
  std::vector<int64_t> stride;
  for (auto& array : out)
    for (int64_t r = 0; r < array.shape(1); ++r) {
      of_condition.push_back(array.mutable_data() + r * rows * d);
      stride.push_back(array.shape(1) * rows * d);
    }
  const Expression e{
      M, d, R, basal.shape(2), cells, paths, rows, wild_type, kicks_of(kicks), key,
      words[0].data(), words[1].data(), graphs.data(), activates.data(), strength.data(),
      basal.data(), scalars[0].data(), scalars[1].data(), scalars[2].data(), factors.data(),
      points.data(), ages ? ages->data() : nullptr, window, shuffled, of_condition.data(), stride.data()};
  py::gil_scoped_release release;
  draw_expression(e, set_of(isa), threads);
}

// word1 and word2 (M); ranges are of basal, strength and the share of activated targets; choices are
// hill, decay and amplitude. Returns strength and activates (M, d, d), basal (M, d, C), and one of
// each of the choices (M).
py::tuple rates(uint64_t key, Array<uint64_t> word1, Array<uint64_t> word2, int64_t d, int64_t C,
                std::array<std::array<double, 2>, 3> ranges,
                std::array<std::vector<double>, 3> choices, const std::string& isa, int threads) {
  const int64_t M = word1.size();
  const Kinetics law{{ranges[0][0], ranges[0][1]}, {ranges[1][0], ranges[1][1]},
                     {ranges[2][0], ranges[2][1]}, choices[0], choices[1], choices[2]};
  Numbers strength({M, d, d}), basal({M, d, C}), hill(M), decay(M), amplitude(M);
  Truths activates({M, d, d});
  const Rates drawn{M, d, C, key, word1.data(), word2.data(), strength.mutable_data(),
                    activates.mutable_data(), basal.mutable_data(), hill.mutable_data(),
                    decay.mutable_data(), amplitude.mutable_data()};
  {
    py::gil_scoped_release release;
    draw_rates(law, drawn, set_of(isa), threads);
  }
  return py::make_tuple(strength, activates, basal, hill, decay, amplitude);
}

// Of each network offsets and starts (n + 1), of the ranked neighbours and of the targets; word1 and
// word2 (M). Returns graphs (M, d, d) and the number of each model's network (M).
py::tuple modules(std::vector<std::array<Array<int64_t>, 4>> networks, double best_share,
                  int64_t regulators, uint64_t key, Array<uint64_t> word1, Array<uint64_t> word2,
                  int64_t d, const std::string& isa, int threads) {
  const int64_t M = word1.size();
  Truths graphs({M, d, d});
  Array<int64_t> source(M);
  Modules problem{{}, M, d, best_share, regulators, key, word1.data(), word2.data(),
                  source.mutable_data(), graphs.mutable_data()};
  for (const auto& [offsets, neighbours, starts, targets] : networks)
    problem.networks.push_back({offsets.size() - 1, offsets.data(), neighbours.data(),
                                starts.data(), targets.data()});
  {
    py::gil_scoped_release release;
    draw_modules(problem, set_of(isa), threads);
  }
  return py::make_tuple(graphs, source);
}

// word1 and word2 (M); noise is the outliers' probability and sd and the dropouts' shape; choices
// (M, 4). Fills counts (M, R, K, d) from cells.
void counts(uint64_t key, std::array<Array<uint64_t>, 2> words, std::array<double, 3> noise,
            Numbers choices, Array<float> cells, Array<float> counts, const std::string& isa,
            int threads) {
  const Counts problem{cells.shape(0), cells.shape(1), cells.shape(2), cells.shape(3), key,
                       words[0].data(), words[1].data(), noise[0], noise[1], noise[2],
                       choices.data(), cells.data(), counts.mutable_data()};
  py::gil_scoped_release release;
  draw_counts(problem, set_of(isa), threads);
}

}  // namespace

void bind_sergio(py::module_& module) {
  module.def("expression", &expression, py::arg("key"), py::arg("words"), py::arg("graphs"),
             py::arg("activates"), py::arg("strength"), py::arg("basal"), py::arg("scalars"),
             py::arg("factors"), py::arg("points"), py::arg("ages"), py::arg("cells"),
             py::arg("window"), py::arg("paths"), py::arg("shuffled"), py::arg("wild_type"),
             py::arg("kicks"), py::arg("out").noconvert(), py::arg("isa"), py::arg("threads"));
  module.def("rates", &rates, py::arg("key"), py::arg("word1"), py::arg("word2"), py::arg("d"),
             py::arg("cell_types"), py::arg("ranges"), py::arg("choices"), py::arg("isa"),
             py::arg("threads"));
  module.def("modules", &modules, py::arg("networks"), py::arg("best_share"),
             py::arg("regulators"), py::arg("key"), py::arg("word1"), py::arg("word2"),
             py::arg("d"), py::arg("isa"), py::arg("threads"));
  module.def("counts", &counts, py::arg("key"), py::arg("words"), py::arg("noise"),
             py::arg("choices"), py::arg("cells"), py::arg("counts").noconvert(),
             py::arg("isa"), py::arg("threads"));
}
