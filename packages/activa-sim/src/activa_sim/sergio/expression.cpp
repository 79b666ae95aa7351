// Models one by one, genes by falling level, and the cells that are seen of each.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "../_native/pool.hpp"
#include "../_native/sites.hpp"
#include "langevin.hpp"

namespace activa {
namespace {

constexpr uint32_t LANGEVIN = 57, CELL = 56, ROW = 55;  // sites of rng.py
constexpr int64_t CHUNK = 256;  // lanes at a time of a gene without targets

int64_t whole(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

// Numbers that start where a cache line does.
class Floats {
 public:
  float* of(int64_t size) {
    if (int64_t(numbers_.size()) < size + WIDEST) numbers_.resize(size + WIDEST);
    const auto address = reinterpret_cast<uintptr_t>(numbers_.data());
    return numbers_.data() + whole(int64_t(address), 64) / 4 - int64_t(address) / 4;
  }

 private:
  std::vector<float> numbers_;
};

struct Functions {
  decltype(&base::words) words;
  void (*trajectories)(const Gene&, int64_t, int64_t, float*, int64_t);
  void (*saturate)(float*, int64_t, int64_t, const float*, float);
};

class Worker {  // what one thread needs
 public:
  Worker(const Expression& problem, Functions functions)
      : e(problem), f(functions), seen_(e.C * e.cells),
        lanes_(whole(e.R * e.C * e.paths, WIDEST)) {
    for (auto* v : {&block_, &axes_}) v->assign(lanes_, 0);
    for (auto* v : {&factor_, &basal_, &half_}) v->assign(lanes_, 0.0f);
    seat_.resize(e.R * e.rows);
    sorted_.resize(seen_);
  }

  void model(int64_t m) {
    list_regulators(e.graphs + m * e.d * e.d);
    sort_genes();
    choose_rows(m);
    float* courses = courses_.of(course_size_);
    for (const int64_t gene : genes_) courses = one_gene(m, gene, courses);
  }

 private:
  // Who regulates each gene: by_[begin_[j]], ..., rising.
  void list_regulators(const bool* graph) {
    const int64_t d = e.d;
    begin_.assign(d + 1, 0), waits_.assign(d, 0), by_.clear();
    for (int64_t i = 0; i < d; ++i)
      for (int64_t j = 0; j < d; ++j) waits_[i] += graph[i * d + j], begin_[j + 1] += graph[i * d + j];
    for (int64_t j = 0; j < d; ++j) begin_[j + 1] += begin_[j];
    by_.resize(begin_[d]);
    filled_.assign(begin_.begin(), begin_.end() - 1);
    for (int64_t i = 0; i < d; ++i)
      for (int64_t j = 0; waits_[i] && j < d; ++j)
        if (graph[i * d + j]) by_[filled_[j]++] = i;
  }

  // Levels as in levels.py, genes by falling level, and room for the courses of those with targets.
  void sort_genes() {
    const int64_t d = e.d;
    level_.assign(d, 0), genes_.clear();
    for (int64_t i = 0; i < d; ++i)
      if (!waits_[i]) genes_.push_back(i);
    for (size_t k = 0; k < genes_.size(); ++k)
      for (int64_t at = begin_[genes_[k]]; at < begin_[genes_[k] + 1]; ++at) {
        const int64_t i = by_[at];
        level_[i] = std::max(level_[i], level_[genes_[k]] + 1);
        if (!--waits_[i]) genes_.push_back(i);
      }
    std::stable_sort(genes_.begin(), genes_.end(),
                     [&](int64_t a, int64_t b) { return level_[a] > level_[b]; });
    course_size_ = 0;
    for (const int64_t gene : genes_)
      if (level_[gene]) course_size_ += (2 + 4 * blocks(gene)) * lanes_;
    course_of_.assign(d, nullptr);
  }

  int64_t points(int64_t gene) const { return e.points[level_[gene]]; }
  int64_t blocks(int64_t gene) const { return (points(gene) + 2) / 4; }  // one step less than points

  // Which points are seen, and which cell of its condition stands in each row.
  void choose_rows(int64_t m) {
    ages_.assign(e.R * e.cells, 1);
    if (e.ages) {
      std::copy_n(e.ages + m * e.R * e.cells, ages_.size(), ages_.begin());
    } else if (e.window > 1) {
      draw(m, CELL, e.cells);
      for (size_t k = 0; k < ages_.size(); ++k)
        ages_[k] += int64_t(words_[k] * uint64_t(e.window) >> 32);
    }
    if (e.shuffled) draw(m, ROW, seen_);
    for (int64_t r = 0; r < e.R; ++r) {
      for (int64_t k = 0; k < seen_; ++k) {
        const uint64_t word = e.shuffled ? words_[r * seen_ + k] : 0;
        sorted_[k] = word << 32 | uint64_t(k);
      }
      if (e.shuffled) std::sort(sorted_.begin(), sorted_.end());
      for (int64_t k = 0; k < e.rows; ++k) {
        const uint32_t place = uint32_t(sorted_[k]), cell = place % uint32_t(e.cells);
        seat_[r * e.rows + k] = {int32_t(lane(r, place / uint32_t(e.cells), cell)),
                                 int32_t(ages_[r * e.cells + cell])};
      }
    }
  }

  // n words of each condition, (R, n).
  void draw(int64_t m, uint32_t site, int64_t n) {
    words_.resize(e.R * n);
    f.words(streams_.at(e.key, e.word1 + m, e.word2 + m, 1, site, e.R), 0, e.R, n, words_.data());
  }

  float* one_gene(int64_t m, int64_t j, float* course) {
    const Gene gene = prepare(m, j);
    const int64_t rows = 1 + 4 * gene.blocks;
    if (level_[j] == 0) {
      float* x = leaf_.of(rows * std::min(lanes_, CHUNK));
      for (int64_t first = 0; first < lanes_; first += CHUNK) {
        const int64_t last = std::min(first + CHUNK, lanes_), stride = last - first;
        f.trajectories(gene, first, last, x, stride);
        write(m, j, x + points(j) * stride - first, stride, first, last);
      }
      return course;
    }
    float* x = course + lanes_;
    f.trajectories(gene, 0, lanes_, x, lanes_);
    const float* end = x + points(j) * lanes_;
    write(m, j, end, lanes_, 0, lanes_);
    averages(end, course);
    f.saturate(course, 1 + rows, lanes_, half_.data(), float(e.hill[m]));
    course_of_[j] = course;
    return course + (1 + rows) * lanes_;
  }

  Gene prepare(int64_t m, int64_t j) {
    const int64_t d = e.d, square = m * d * d;
    regulators_.clear();
    for (int64_t at = begin_[j]; at < begin_[j + 1]; ++at) {
      const int64_t edge = square + by_[at] * d + j;
      regulators_.push_back({course_of_[by_[at]], float(e.strength[edge]), !e.activates[edge]});
    }
    const int64_t length = blocks(j);
    for (int64_t r = 0, l = 0; r < e.R; ++r) {
      const float factor = float(e.factors[(m * e.R + r) * d + j]);
      for (int64_t type = 0; type < e.C; ++type) {
        const float basal = regulators_.empty() ? float(e.basal[(m * d + j) * e.C + type]) : 0.0f;
        for (int64_t path = 0; path < e.paths; ++path, ++l) {
          block_[l] = uint32_t(path * length);
          axes_[l] = uint32_t(j | (r * e.C + type) << 16);
          factor_[l] = factor;
          basal_[l] = basal;
        }
      }
    }
    return {e.key, uint32_t(e.word1[m]) | LANGEVIN, uint32_t(e.word2[m]), lanes_, length, block_.data(),
            axes_.data(), factor_.data(), basal_.data(), regulators_.data(),
            int64_t(regulators_.size()), float(e.decay[m]),
            float(0.1 * e.amplitude[m]),  // the root of a time step of 0.01
            e.kicks};
  }

  int64_t lane(int64_t r, int64_t type, int64_t cell) const {
    const int64_t kind = r * e.C + type;
    return e.paths == 1 ? kind : kind * e.paths + cell;
  }

  // Column j of the rows whose lanes are in [first, last); `end` is behind the last point of lane 0.
  void write(int64_t m, int64_t j, const float* end, int64_t stride, int64_t first, int64_t last) {
    const int64_t width = e.C * e.paths;
    for (int64_t r = first / width; r < e.R && r * width < last; ++r) {
      float* out = e.out[r] + m * e.stride[r] + j;
      const Seat* seat = seat_.data() + r * e.rows;
      for (int64_t k = 0; k < e.rows; ++k)
        if (first <= seat[k].lane && seat[k].lane < last)
          out[k * e.d] = end[seat[k].lane - seat[k].age * stride];
    }
  }

  // Means over the cells of each condition and type, into `mean` (lanes), and half-responses.
  void averages(const float* end, float* mean) {
    std::fill(mean, mean + lanes_, 0.0f);
    for (int64_t r = 0; r < e.R; ++r) {
      double over_types = 0.0;
      for (int64_t type = 0; type < e.C; ++type) {
        double sum = 0.0;
        for (int64_t cell = 0; cell < e.cells; ++cell)
          sum += end[lane(r, type, cell) - ages_[r * e.cells + cell] * lanes_];
        const int64_t first = lane(r, type, 0);
        std::fill(mean + first, mean + first + e.paths, float(sum / double(e.cells)));
        over_types += sum;
      }
      const int64_t first = lane(r, 0, 0), width = e.C * e.paths;
      const float half = float(over_types / double(e.C * e.cells));
      std::fill(half_.begin() + first, half_.begin() + first + width,
                e.wild_type && r ? half_[0] : half);
    }
  }

  struct Seat {  // what a row shows
    int32_t lane, age;
  };

  const Expression& e;
  const Functions f;
  const int64_t seen_, lanes_;  // cells of a condition, and all its trajectories
  int64_t course_size_ = 0;
  std::vector<int64_t> begin_, filled_, by_;  // regulators of each gene
  std::vector<int64_t> waits_, level_, genes_;  // waits: targets whose level is not known yet
  std::vector<float*> course_of_;
  std::vector<Regulator> regulators_;
  std::vector<uint32_t> block_, axes_;
  std::vector<float> factor_, basal_, half_;
  std::vector<int64_t> ages_;  // (R, cells): places from the end, 1 the last
  std::vector<Seat> seat_;     // (R, rows)
  SiteStreams streams_;
  std::vector<uint32_t> words_;
  std::vector<uint64_t> sorted_;
  Floats courses_, leaf_;
};

}  // namespace

void draw_expression(const Expression& e, Set set, int threads) {
  const Functions functions{ACTIVA_CHOOSE(set, words), ACTIVA_CHOOSE(set, trajectories),
                            ACTIVA_CHOOSE(set, saturate)};
  if (threads > e.M) threads = int(e.M);
  std::vector<Worker> workers;
  for (int t = 0; t < threads; ++t) workers.emplace_back(e, functions);
  parallel_for(e.M, threads, [&](int64_t m, int slot) { workers[slot].model(m); });
}

}  // namespace activa
