// A rooted tree whose branches are cut off and hung elsewhere.
#pragma once

#include <cstdint>
#include <vector>

namespace activa {

// Of each node its parent, its first child and its neighbours among the children of its parent.
struct Tree {
  static constexpr int64_t NONE = -1;

  explicit Tree(int64_t nodes)
      : parent(nodes, NONE), child(nodes, NONE), next(nodes, NONE), before(nodes, NONE) {}

  void attach(int64_t node, int64_t above) {
    parent[node] = above;
    before[node] = NONE;
    next[node] = child[above];
    if (next[node] != NONE) before[next[node]] = node;
    child[above] = node;
  }

  void detach(int64_t node) {
    if (before[node] != NONE)
      next[before[node]] = next[node];
    else
      child[parent[node]] = next[node];
    if (next[node] != NONE) before[next[node]] = before[node];
  }

  // Calls visit(node) for a node and all below it, parents first.
  template <class F>
  void each_below(int64_t top, F visit) {
    for (int64_t node = top;;) {
      visit(node);
      if (child[node] != NONE) {
        node = child[node];
        continue;
      }
      while (node != top && next[node] == NONE) node = parent[node];
      if (node == top) return;
      node = next[node];
    }
  }

  std::vector<int64_t> parent, child, next, before;
};

}  // namespace activa
