// Shortest augmenting paths with masses: Jonker & Volgenant (1987) where a path may carry any amount.
//
// Dual prices keep every reduced cost (cost_ij - v_j) - u_i >= 0 and = 0 where mass flows. While a row
// has mass left, Dijkstra over the reduced costs finds the nearest column with room, the prices move
// so that the whole path costs nothing, and the path carries what its narrowest part admits.
#include "cpu.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace activa {
namespace {

constexpr double INF = std::numeric_limits<double>::infinity();

struct Edge {  // mass from a row, in the list of its column
  int64_t row, next;
  double mass;
};

class Transport {
 public:
  Transport(const double* cost, const double* a, const double* b, int64_t n, int64_t m)
      : cost_(cost), n_(n), m_(m), supply_(a, a + n), demand_(b, b + m), u_(n), v_(m), head_(m, -1),
        row_distance_(n), row_from_(n), distance_(m), column_from_(m), remaining_(m) {
    const double total = std::accumulate(a, a + n, 0.0);
    dust_ = 1e-15 * total;  // what rounding leaves of a mass; a path for it would be wasted
    edges_.reserve(n + m);
  }

  double solve() {
    start_prices();
    int64_t paths = 0;
    const int64_t limit = 1000 * (n_ + m_);
    for (int64_t i = 0; i < n_; ++i)
      while (supply_[i] > dust_) {
        const int64_t j = nearest_room(i);
        if (j < 0) return settle();  // no column has room: what is left is rounding
        if (++paths > limit) throw std::runtime_error("optimal transport: the search does not end");
        augment(i, j);
      }
    return settle();
  }

 private:
  const double* row(int64_t i) const { return cost_ + i * m_; }

  // Prices that are feasible at once, and the mass that flows along edges without reduced cost.
  void start_prices() {
    std::fill(v_.begin(), v_.end(), INF);
    for (int64_t i = 0; i < n_; ++i)
      for (int64_t j = 0; j < m_; ++j) v_[j] = std::min(v_[j], row(i)[j]);
    for (int64_t i = 0; i < n_; ++i) {
      u_[i] = INF;
      for (int64_t j = 0; j < m_; ++j) u_[i] = std::min(u_[i], row(i)[j] - v_[j]);
      for (int64_t j = 0; j < m_ && supply_[i] > dust_; ++j)
        if (demand_[j] > dust_ && row(i)[j] - v_[j] == u_[i]) ship(i, j, std::min(supply_[i], demand_[j]));
    }
  }

  // Dijkstra from row `start`: the nearest column with room, or -1; then moves the prices.
  int64_t nearest_room(int64_t start) {
    std::fill(distance_.begin(), distance_.end(), INF);
    std::fill(row_from_.begin(), row_from_.end(), UNSEEN);
    std::iota(remaining_.begin(), remaining_.end(), int64_t{0});
    int64_t left = m_, found = -1;
    rows_.clear();
    see(start, START, 0.0, left);
    while (left > 0) {
      const auto end = remaining_.begin() + left;
      const auto nearest = std::min_element(
          remaining_.begin(), end, [&](int64_t p, int64_t q) { return distance_[p] < distance_[q]; });
      const int64_t j = *nearest;
      if (demand_[j] > dust_) {
        found = j;
        break;
      }
      std::swap(*nearest, remaining_[--left]);
      for (int64_t e = head_[j]; e >= 0; e = edges_[e].next)
        if (row_from_[edges_[e].row] == UNSEEN) see(edges_[e].row, j, distance_[j], left);
    }
    if (found < 0) return found;
    const double length = distance_[found];
    for (int64_t i : rows_) u_[i] += length - row_distance_[i];
    for (int64_t p = left; p < m_; ++p) v_[remaining_[p]] -= length - distance_[remaining_[p]];
    return found;
  }

  // A row is reached from column `from`: relax the columns that are still open.
  void see(int64_t i, int64_t from, double at, int64_t left) {
    row_from_[i] = from;
    row_distance_[i] = at;
    rows_.push_back(i);
    const double* c = row(i);
    for (int64_t p = 0; p < left; ++p) {
      const int64_t j = remaining_[p];
      const double through = at + ((c[j] - v_[j]) - u_[i]);
      if (through < distance_[j]) {
        distance_[j] = through;
        column_from_[j] = i;
      }
    }
  }

  void augment(int64_t start, int64_t end) {
    double mass = std::min(supply_[start], demand_[end]);
    for (int64_t i = column_from_[end]; i != start; i = column_from_[row_from_[i]])
      mass = std::min(mass, edges_[*find(i, row_from_[i])].mass);
    for (int64_t j = end, i = column_from_[end];; j = row_from_[i], i = column_from_[j]) {
      add(i, j, mass);
      if (i == start) break;
      int64_t* at = find(i, row_from_[i]);
      Edge& edge = edges_[*at];
      edge.mass -= mass;
      if (edge.mass <= dust_) {
        const int64_t gone = *at;
        *at = edge.next;
        edge.next = free_;
        free_ = gone;
      }
    }
    supply_[start] -= mass;
    demand_[end] -= mass;
  }

  void ship(int64_t i, int64_t j, double mass) {
    add(i, j, mass);
    supply_[i] -= mass;
    demand_[j] -= mass;
  }

  // The link that points to the edge of row i in the list of column j, or to its end.
  int64_t* find(int64_t i, int64_t j) {
    int64_t* at = &head_[j];
    while (*at >= 0 && edges_[*at].row != i) at = &edges_[*at].next;
    return at;
  }

  void add(int64_t i, int64_t j, double mass) {
    const int64_t there = *find(i, j);
    if (there >= 0) {
      edges_[there].mass += mass;
    } else if (free_ >= 0) {
      const int64_t edge = free_;
      free_ = edges_[edge].next;
      edges_[edge] = {i, head_[j], mass};
      head_[j] = edge;
    } else {
      edges_.push_back({i, head_[j], mass});
      head_[j] = static_cast<int64_t>(edges_.size()) - 1;
    }
  }

  double settle() const {
    double total = 0;
    for (int64_t j = 0; j < m_; ++j)
      for (int64_t e = head_[j]; e >= 0; e = edges_[e].next) total += edges_[e].mass * row(edges_[e].row)[j];
    return total;
  }

  static constexpr int64_t UNSEEN = -2, START = -1;
  const double* cost_;
  int64_t n_, m_, free_ = -1;
  double dust_;
  std::vector<double> supply_, demand_, u_, v_;
  std::vector<Edge> edges_;
  std::vector<int64_t> head_;  // first edge of each column
  std::vector<double> row_distance_;
  std::vector<int64_t> row_from_, rows_;
  std::vector<double> distance_;
  std::vector<int64_t> column_from_, remaining_;  // remaining_[:left] are the columns still open
};

bool finite(const double* p, int64_t n) {
  return std::all_of(p, p + n, [](double value) { return std::isfinite(value); });
}

}  // namespace

double transport_cost(const double* cost, const double* a, const double* b, int64_t n, int64_t m) {
  if (!finite(cost, n * m) || !finite(a, n) || !finite(b, m)) return std::nan("");
  return Transport(cost, a, b, n, m).solve();
}

}  // namespace activa
