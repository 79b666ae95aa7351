// A rooted tree whose branches are cut off and hung elsewhere.
#pragma once

#include <cstdint>
#include <vector>

namespace activa {

struct Tree {
  static constexpr int32_t NONE = -1;

  // Its parent, its first child, its neighbours among the children of its parent, how far it is from the
  // top, and what moves between it and its parent: all that a walk needs, in half a cache line.
  struct alignas(32) Node {
    int64_t flow = 0;
    int32_t parent = NONE, child = NONE, next = NONE, before = NONE, depth = 0;
  };

  explicit Tree(int64_t size) : nodes(size) {}

  Node& operator[](int64_t node) { return nodes[node]; }
  const Node& operator[](int64_t node) const { return nodes[node]; }

  void attach(int32_t node, int32_t above) {
    Node &to = nodes[above], &at = nodes[node];
    at.parent = above;
    at.before = NONE;
    at.next = to.child;
    if (at.next != NONE) nodes[at.next].before = node;
    to.child = node;
  }

  void detach(int32_t node) {
    const Node& at = nodes[node];
    (at.before != NONE ? nodes[at.before].next : nodes[at.parent].child) = at.next;
    if (at.next != NONE) nodes[at.next].before = at.before;
  }

  // Calls visit(node) for a node and all below it, parents first.
  template <class F>
  void each_below(int32_t top, F visit) {
    for (int32_t node = top;;) {
      visit(node);
      if (nodes[node].child != NONE) {
        node = nodes[node].child;
        continue;
      }
      while (node != top && nodes[node].next == NONE) node = nodes[node].parent;
      if (node == top) return;
      node = nodes[node].next;
    }
  }

  std::vector<Node> nodes;
};

}  // namespace activa
