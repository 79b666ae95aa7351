// What a model is: its graph, weights, order of columns and law of noise, as graphs/pruned.py,
// mechanisms/linear.py, columns.py and noises/paper.py define them.
#include <cstring>

#include "linear.hpp"

namespace activa {
namespace {

struct Words {
  const uint32_t* const* lanes;
  int64_t begin;  // in blocks
  uint32_t operator[](int64_t k) const { return lanes[k % 4][begin + k / 4]; }
};

// Numbers of the smallest of n words, in order; equal ones keep theirs.
void order_of(const Words& words, int64_t n, int32_t* order) {
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t word = words[i];
    int64_t at = i;
    for (; at > 0 && words[order[at - 1]] > word; --at) order[at] = order[at - 1];
    order[at] = int32_t(i);
  }
}

// Sorts the pairs that are edges by their word, n of them.
int64_t edges_in_order(const Linear& law, const Words& words, uint64_t* edges) {
  uint64_t found[64 * 64 + 1];
  int32_t begin[257] = {};  // by their highest bits first, which leaves little to do
  int64_t n = 0;
  for (int64_t tail = 0; tail < law.d; ++tail)
    for (int64_t head = 0; head < law.d; ++head) {
      const uint64_t word = words[tail * law.d + head];
      const bool edge = word < law.edge_below && tail != head;
      found[n] = word << 32 | uint64_t(tail << 8 | head);
      begin[(word >> 24) + 1] += edge;
      n += edge;
    }
  for (int i = 0; i < 256; ++i) begin[i + 1] += begin[i];
  for (int64_t i = 0; i < n; ++i) edges[begin[found[i] >> 56]++] = found[i];
  for (int64_t i = 1; i < n; ++i) {
    const uint64_t edge = edges[i];
    int64_t at = i;
    for (; at > 0 && edges[at - 1] > edge; --at) edges[at] = edges[at - 1];
    edges[at] = edge;
  }
  return n;
}

}  // namespace

void draw_model(const Linear& law, const uint32_t* const lanes[4], const Model& model, bool* graph) {
  const int64_t d = law.d;
  const Parts parts(d);
  uint64_t edges[64 * 64 + 1], reach[64], causes[64] = {};
  const int64_t n = edges_in_order(law, {lanes, 0}, edges);
  for (int64_t v = 0; v < d; ++v) reach[v] = uint64_t(1) << v;
  int64_t kept = 0;
  for (; kept < n; ++kept) {
    const int64_t tail = edges[kept] >> 8 & 255, head = edges[kept] & 255;
    if (reach[head] >> tail & 1) break;
    for (int64_t v = 0; v < d; ++v) reach[v] |= reach[v] >> tail & 1 ? reach[head] : 0;
  }
  // who reaches more comes first, and of equals the first
  int32_t number[64], count[64];
  for (int64_t v = 0; v < d; ++v) count[v] = __builtin_popcountll(reach[v]);
  for (int64_t v = 0; v < d; ++v) {
    number[v] = 0;
    for (int64_t u = 0; u < d; ++u) number[v] += count[u] > count[v] || (count[u] == count[v] && u < v);
  }
  for (int64_t k = 0; k < kept; ++k)
    causes[number[edges[k] & 255]] |= uint64_t(1) << number[edges[k] >> 8 & 255];
  order_of({lanes, parts.places}, d, model.place);
  for (int64_t c = 0; c < d; ++c) model.column[model.place[c]] = int32_t(c);
  std::memset(graph, 0, d * d);
  for (int64_t k = 0; law.beta && k < 2 * d; ++k) {
    const double uniform = (double(lanes[k % 2][parts.noise + k / 2]) + 0.5) * 0x1p-32;
    model.shape[k] = law.noise[0] + (law.noise[1] - law.noise[0]) * uniform;
  }
  for (int64_t j = 0; j < d; ++j) {
    int32_t found = 0;
    for (uint64_t left = causes[j]; left; left &= left - 1, ++found) {
      const int64_t i = __builtin_ctzll(left);
      const uint32_t word = Words{lanes, parts.weights + i * parts.row}[j];
      const double uniform = (double(word) + 0.5) * 0x1p-32, centred = 2.0 * uniform - 1.0;
      const double size = law.weight_low + (law.weight_high - law.weight_low) *
                                               (centred < 0 ? -centred : centred);
      model.parent[j * d + found] = int32_t(i);
      model.weight[j * d + found] = uniform < 0.5 ? -size : size;
      graph[model.column[i] * d + model.column[j]] = true;
    }
    model.parents[j] = found;
  }
}

}  // namespace activa
