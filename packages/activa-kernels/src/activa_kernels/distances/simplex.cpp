// The network simplex on a complete bipartite graph, whose trees never have an edge without mass.
//
// A basis is a tree over all rows and columns; prices make every edge of it cost u_i + v_j. An edge
// outside that costs less enters, mass moves along the circle that it closes, and the edge that runs
// empty leaves. Masses are integers, multiples of more than n, and each row has one unit more than its
// mass: no part of the tree can then balance without the rest, so no edge of a tree is ever empty, each
// exchange lowers the cost, and no tree comes twice (Charnes, 1952; the units are 2^-61 of the total).
#include "simplex.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "../_native/pool.hpp"
#include "pricing.hpp"
#include "tree.hpp"

namespace activa {
namespace {

constexpr int64_t TOTAL = int64_t(1) << 61;
constexpr double WORTH = 0.1;  // the part of the best gain of a block below which an edge waits for newer prices

class Simplex {
 public:
  Simplex(const double* cost, int64_t width, const double* a, const double* b, int64_t n, int64_t m,
          const DistanceKernels<double>& kernels, int threads)
      : cost_(cost), width_(width), n_(n), m_(m), threads_(threads), kernels_(kernels),
        pricing_(cost, width, n, kernels), tree_(n + m), u_(n), v_(width) {
    const int64_t step = int64_t(1) << int64_t(std::ceil(std::log2(double(n) + 1)));
    mass_ = std::accumulate(a, a + n, 0.0);
    supply_ = units(a, n, step);
    demand_ = units(b, m, step);
    for (int64_t& units : supply_) ++units;
    demand_[std::max_element(demand_.begin(), demand_.end()) - demand_.begin()] += n;
    unit_ = mass_ / double(TOTAL);
    std::vector<double> largest(n);
    parallel_for(n, threads, [&](int64_t i, int) {
      largest[i] = kernels_.largest_magnitude(row(i), m_);
      pricing_.copy(i);
    });
    largest_ = *std::max_element(largest.begin(), largest.end());
  }

  // False if the search does not end.
  bool solve() {
    start();
    bool solved = false;
    parallel_for(threads_, threads_, [&](int64_t index, int) {
      if (index > 0) return pricing_.help();
      const Pricing::Leader leader{pricing_};
      solved = improve();
    });
    return solved;
  }

  double total() const {
    double sum = 0;
    each_edge([&](int64_t i, int64_t j, int64_t flow) { sum += double(flow) * row(i)[j]; });
    return sum * unit_;
  }

  // Calls visit(i, j, mass) where mass moves.
  template <class F>
  void each(F visit) const {
    each_edge([&](int64_t i, int64_t j, int64_t flow) { visit(i, j, double(flow) * unit_); });
  }

 private:
  struct Entering {
    double reduced, cost;
    int64_t row, column;
    bool operator<(const Entering& other) const { return reduced < other.reduced; }
  };

  const double* row(int64_t i) const { return cost_ + i * width_; }
  double reduced(int64_t i, int64_t j, double cost) const { return cost - v_[j] - u_[i]; }

  bool improve() {
    std::vector<Entering> entering;
    const int64_t limit = 1000 * (n_ + m_) + 100'000;
    int64_t exchanges = 0;
    for (int round = 0; round < 20; ++round) {
      set_prices();
      const int64_t before = exchanges;
      int64_t first = 0, unchanged = 0, seen = exchanges;  // `seen`: whose prices the next block has
      const bool exactly = round > 0;
      pricing_.begin(first, v_, exactly);
      while (unchanged < n_) {
        const Pricing::Edges& cheapest = pricing_.end();
        const int64_t of_block = std::exchange(seen, exchanges), next = (first + pricing_.rows) % n_;
        pricing_.begin(next, v_, exactly);  // the block after this one, while this one changes the prices
        entering.clear();
        for (int64_t r = 0; r < pricing_.rows; ++r) {
          const int64_t i = (first + r) % n_, j = cheapest.columns[r];
          const Entering edge{reduced(i, j, cheapest.costs[r]), cheapest.costs[r], i, j};
          if (edge.reduced < -tolerance_) entering.push_back(edge);
        }
        std::sort(entering.begin(), entering.end());
        for (const Entering& edge : entering) {
          const double now = reduced(edge.row, edge.column, edge.cost);
          if (now >= -tolerance_ || now > WORTH * entering[0].reduced) continue;
          exchange(edge.row, edge.column, now);
          ++exchanges;
        }
        unchanged = entering.empty() && of_block == exchanges ? unchanged + pricing_.rows : 0;
        if (exchanges > limit) return false;
        first = next;
      }
      pricing_.end();
      if (exactly && exchanges == before) return true;  // with prices that no exchange has rounded
    }
    return false;
  }

  // Masses as multiples of `step` that add up to TOTAL.
  std::vector<int64_t> units(const double* masses, int64_t count, int64_t step) const {
    std::vector<int64_t> out(count);
    const double scale = double(TOTAL / step) / std::accumulate(masses, masses + count, 0.0);
    int64_t sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += out[i] = std::max<int64_t>(1, std::llround(masses[i] * scale)) * step;
    *std::max_element(out.begin(), out.end()) += TOTAL - sum;
    return out;
  }

  // The first tree: every row sends to the columns that are cheapest for it while they have room.
  void start() {
    std::vector<int64_t> room = demand_, cheapest(n_);
    std::vector<double> closed(width_, 0.0);
    std::vector<int64_t> rows, columns, flows;
    const auto find = [&](int64_t i) {
      double least;
      return kernels_.least_reduced(row(i), closed.data(), width_, &least);
    };
    for (int64_t i = 0; i < n_; ++i) {
      if (i % pricing_.rows == 0)  // of the next rows, by all threads
        parallel_for(std::min(pricing_.rows, n_ - i), threads_,
                     [&](int64_t ahead, int) { cheapest[i + ahead] = find(i + ahead); });
      for (int64_t left = supply_[i]; left > 0;) {
        const int64_t j = room[cheapest[i]] > 0 ? cheapest[i] : find(i);
        const int64_t flow = std::min(left, room[j]);
        rows.push_back(i);
        columns.push_back(j);
        flows.push_back(flow);
        left -= flow;
        room[j] -= flow;
        if (room[j] == 0) closed[j] = -INFINITY;
      }
    }
    hang(rows, columns, flows);
  }

  // Makes a tree of its edges, from row 0 on.
  void hang(const std::vector<int64_t>& rows, const std::vector<int64_t>& columns, const std::vector<int64_t>& flows) {
    std::vector<std::vector<int64_t>> edges(n_ + m_);
    for (size_t e = 0; e < rows.size(); ++e) {
      edges[rows[e]].push_back(int64_t(e));
      edges[n_ + columns[e]].push_back(int64_t(e));
    }
    std::vector<int64_t> open{0};
    while (!open.empty()) {
      const int64_t node = open.back();
      open.pop_back();
      for (int64_t e : edges[node]) {
        const int64_t other = node < n_ ? n_ + columns[e] : rows[e];
        if (other == tree_[node].parent) continue;
        tree_.attach(int32_t(other), int32_t(node));
        tree_[other].flow = flows[e];
        open.push_back(other);
      }
    }
  }

  template <class F>
  void each_edge(F visit) const {
    for (int64_t node = 1; node < n_ + m_; ++node)
      visit(node < n_ ? node : tree_[node].parent, (node < n_ ? tree_[node].parent : node) - n_, tree_[node].flow);
  }

  // Prices along the tree, from nothing at row 0.
  void set_prices() {
    double most = largest_;
    tree_.each_below(0, [&](int32_t node) {
      const int32_t parent = tree_[node].parent;
      if (parent == Tree::NONE) {
        u_[node] = 0;
        tree_[node].depth = 0;
        return;
      }
      tree_[node].depth = tree_[parent].depth + 1;
      double& price = node < n_ ? u_[node] : v_[node - n_];
      price = node < n_ ? row(node)[parent - n_] - v_[parent - n_] : row(parent)[node - n_] - u_[parent];
      most = std::max(most, std::abs(price));
    });
    tolerance_ = 1e-14 * most;
  }

  // Edge (i, j) enters, of negative reduced cost; the edge that runs empty leaves.
  void exchange(int64_t i, int64_t j, double gain) {
    const int32_t row = int32_t(i), column = int32_t(n_ + j);
    int32_t p = row, q = column, leaves = Tree::NONE;
    int64_t least = INT64_MAX;
    bool on_row_side = true;
    while (p != q) {  // towards the top, where both ways meet
      const bool from_row = tree_[p].depth >= tree_[q].depth;
      const int32_t at = from_row ? p : q;
      if ((at < n_) == from_row && tree_[at].flow < least) {
        least = tree_[at].flow;
        leaves = at;
        on_row_side = from_row;
      }
      (from_row ? p : q) = tree_[at].parent;
    }
    const int32_t top = p;
    for (int32_t node = row; node != top; node = tree_[node].parent) tree_[node].flow += node < n_ ? -least : least;
    for (int32_t node = column; node != top; node = tree_[node].parent) tree_[node].flow += node < n_ ? least : -least;

    // what hung on the edge that leaves now hangs on the one that enters, turned over
    const int32_t hung = on_row_side ? row : column;
    int32_t node = hung, parent = on_row_side ? column : row;
    int64_t flow = least;
    for (bool last = false; !last;) {
      last = node == leaves;
      const int32_t above = tree_[node].parent;
      tree_.detach(node);
      tree_.attach(node, parent);
      parent = node;
      flow = std::exchange(tree_[node].flow, flow);
      node = above;
    }
    const double rise = on_row_side ? gain : -gain;  // of the rows' prices
    tree_.each_below(hung, [&](int32_t at) {
      tree_[at].depth = tree_[tree_[at].parent].depth + 1;
      if (at < n_)
        u_[at] += rise;
      else
        v_[at - n_] -= rise;
    });
  }

  const double* cost_;
  int64_t width_, n_, m_;
  int threads_;
  DistanceKernels<double> kernels_;
  Pricing pricing_;
  std::vector<int64_t> supply_, demand_;
  Tree tree_;  // of the rows, then of the columns
  std::vector<double> u_, v_;
  double mass_ = 0, unit_ = 0, largest_ = 0, tolerance_ = 0;
};

// The entries with mass, as their indices.
std::vector<int64_t> with_mass(const double* masses, int64_t count) {
  std::vector<int64_t> out;
  const double dust = 1e-15 * std::accumulate(masses, masses + count, 0.0);  // what rounding leaves
  for (int64_t i = 0; i < count; ++i)
    if (masses[i] > dust) out.push_back(i);
  return out;
}

}  // namespace

bool network_simplex(const double* cost, int64_t width, const double* a, const double* b, int64_t n,
                     int64_t m, const DistanceKernels<double>& kernels, int threads, double* out, double* plan) {
  const std::vector<int64_t> rows = with_mass(a, n), columns = with_mass(b, m);
  const int64_t N = int64_t(rows.size()), M = int64_t(columns.size());
  std::vector<double> kept, left(N), right(M);
  for (int64_t i = 0; i < N; ++i) left[i] = a[rows[i]];
  for (int64_t j = 0; j < M; ++j) right[j] = b[columns[j]];
  const double* costs = cost;
  int64_t wide = width;
  if (N < n || M < m) {
    wide = rounded_up(M, DIAGONAL);
    kept.assign(N * wide, INFINITY);
    for (int64_t i = 0; i < N; ++i)
      for (int64_t j = 0; j < M; ++j) kept[i * wide + j] = cost[rows[i] * width + columns[j]];
    costs = kept.data();
  }
  Simplex simplex(costs, wide, left.data(), right.data(), N, M, kernels, threads);
  if (!simplex.solve()) return false;
  *out = simplex.total();
  if (plan)
    simplex.each([&](int64_t i, int64_t j, double mass) { plan[rows[i] * m + columns[j]] = mass; });
  return true;
}

bool assign_by_simplex(const double* cost, int64_t width, int64_t n,
                       const DistanceKernels<double>& kernels, int threads, int64_t* columns) {
  const std::vector<double> one(n, 1.0);
  Simplex simplex(cost, width, one.data(), one.data(), n, n, kernels, threads);
  if (!simplex.solve()) return false;
  simplex.each([&](int64_t i, int64_t j, double mass) {
    if (mass > 0.5) columns[i] = j;  // the others carry what was added to the masses
  });
  return true;
}

}  // namespace activa
