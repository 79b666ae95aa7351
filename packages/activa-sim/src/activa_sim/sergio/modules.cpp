// Growth of modules, the cycles in them, and their columns.
//
// A gene with one edge into the module ranks among its like by degree, whatever the module, so the
// best of these are found at the heads of the members' ranked lists, and few genes are looked at.
#include "modules.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "../_native/pool.hpp"
#include "../_native/sites.hpp"

namespace activa {
namespace {

// Sites of rng.py.
constexpr uint32_t MODULE = 63, ROOT = 62, PERMUTATION = 1;
constexpr int64_t MODELS = 16;  // a task
constexpr int32_t MEMBER = -1;

int64_t below(uint32_t word, int64_t n) { return int64_t(uint64_t(word) * uint64_t(n) >> 32); }

struct Candidate {
  int64_t score, gene;
  bool operator<(const Candidate& other) const {  // the better one first
    return score != other.score ? score > other.score : gene < other.gene;
  }
};

class Growth {  // of modules of one network
 public:
  Growth(const Modules& problem, const Network& network)
      : p(problem), net(network), links_(net.n, 0), edge_(p.d * p.d), state_(p.d) {
    for (int64_t gene = 0; gene < net.n; ++gene)
      if (regulates(gene)) sources_.push_back(gene);
  }

  // Choices (d), where searches for cycles begin (d), and genes of the columns (d).
  void module(const uint32_t* words, const int64_t* root, const int64_t* place, bool* graph) {
    grow(words);
    std::sort(members_.begin(), members_.end());
    adjacency();
    std::fill(state_.begin(), state_.end(), UNSEEN);
    for (int64_t k = 0; k < p.d; ++k)
      if (state_[root[k]] == UNSEEN) visit(root[k]);
    for (int64_t i = 0; i < p.d; ++i)
      for (int64_t j = 0; j < p.d; ++j) graph[i * p.d + j] = edge_[place[i] * p.d + place[j]];
  }

 private:
  enum State : char { UNSEEN, OPEN, DONE };

  int64_t degree(int64_t gene) const { return net.offsets[gene + 1] - net.offsets[gene]; }
  bool regulates(int64_t gene) const { return net.starts[gene + 1] > net.starts[gene]; }
  Candidate candidate(int64_t gene) const {
    const int64_t k = degree(gene), twice_m = net.offsets[net.n];
    return {2 * twice_m * links_[gene] - (2 * total_ + k) * k, gene};
  }

  void grow(const uint32_t* words) {
    members_.clear(), several_.clear();
    candidates_ = total_ = regulators_ = 0;
    int64_t gene = sources_[below(words[0], int64_t(sources_.size()))];
    for (int64_t step = 1;; ++step) {
      add(gene);
      if (step == p.d) break;
      gene = regulators_ < p.regulators || !candidates_ ? next_of_all(words[step])
                                                        : next(words[step]);
    }
    for (const int64_t member : members_) {
      links_[member] = 0;
      for (int64_t e = net.offsets[member]; e < net.offsets[member + 1]; ++e)
        links_[net.neighbours[e]] = 0;
    }
  }

  void add(int64_t gene) {
    candidates_ -= links_[gene] > 0;
    links_[gene] = MEMBER;
    members_.push_back(gene);
    total_ += degree(gene);
    regulators_ += regulates(gene);
    for (int64_t e = net.offsets[gene]; e < net.offsets[gene + 1]; ++e) {
      const int64_t other = net.neighbours[e];
      if (links_[other] == MEMBER) continue;
      const int32_t links = ++links_[other];
      candidates_ += links == 1;
      if (links == 2) several_.push_back(other);
    }
  }

  int64_t rank_of_choice(uint32_t word, int64_t candidates) const {
    const int64_t best = int64_t(p.best_share * double(candidates)) + 1;
    return below(word, std::min(best, candidates));
  }

  // One of the best candidates: those with several edges into the module, sorted, are one list, and
  // each member's neighbours with no other edge are another; the lists are merged up to the choice.
  int64_t next(uint32_t word) {
    int64_t left = rank_of_choice(word, candidates_);
    sorted_.clear();
    for (const int64_t gene : several_)
      if (links_[gene] != MEMBER) sorted_.push_back(candidate(gene));
    std::sort(sorted_.begin(), sorted_.end());
    heads_.clear();
    for (const int64_t member : members_) {
      Head head{net.offsets[member], net.offsets[member + 1], {}};
      if (settle(head)) heads_.push_back(head);
    }
    size_t from_sorted = 0;
    for (;;) {
      // the best head, and the one after it, which says how long it stays the best
      const Candidate *best = from_sorted < sorted_.size() ? &sorted_[from_sorted] : nullptr;
      const Candidate* second = nullptr;
      Head* list = nullptr;
      for (Head& head : heads_)
        if (!best || head.candidate < *best) {
          second = best, best = &head.candidate, list = &head;
        } else if (!second || head.candidate < *second) {
          second = &head.candidate;
        }
      if (!list) {
        if (left-- == 0) return best->gene;
        ++from_sorted;
        continue;
      }
      bool more = true;
      for (; more && (!second || list->candidate < *second); ++list->at, more = settle(*list))
        if (left-- == 0) return list->candidate.gene;
      if (!more) *list = heads_.back(), heads_.pop_back();
    }
  }

  struct Head {
    int64_t at, end;
    Candidate candidate;
  };

  // Goes on to a gene with one edge into the module, if there is one.
  bool settle(Head& head) const {
    while (head.at < head.end && links_[net.neighbours[head.at]] != 1) ++head.at;
    if (head.at == head.end) return false;
    head.candidate = candidate(net.neighbours[head.at]);
    return true;
  }

  // One of the best regulators beside the module, or else of all genes, by looking at each.
  int64_t next_of_all(uint32_t word) {
    sorted_.clear();
    const bool only_regulators = regulators_ < p.regulators;
    for (int64_t gene = 0; gene < net.n; ++gene)
      if (links_[gene] > 0 && (!only_regulators || regulates(gene)))
        sorted_.push_back(candidate(gene));
    if (sorted_.empty())
      for (int64_t gene = 0; gene < net.n; ++gene)
        if (links_[gene] != MEMBER) sorted_.push_back(candidate(gene));
    const auto chosen = sorted_.begin() + rank_of_choice(word, int64_t(sorted_.size()));
    std::nth_element(sorted_.begin(), chosen, sorted_.end());
    return chosen->gene;
  }

  void adjacency() {
    std::fill(edge_.begin(), edge_.end(), 0);
    for (int64_t i = 0; i < p.d; ++i) {
      const int64_t* first = net.targets + net.starts[members_[i]];
      const int64_t* last = net.targets + net.starts[members_[i] + 1];
      for (int64_t j = 0; j < p.d && first != last; ++j) {
        first = std::lower_bound(first, last, members_[j]);
        edge_[i * p.d + j] = first != last && *first == members_[j];
      }
    }
  }

  // Depth first, without recursion; an edge to a gene whose visit has not ended goes.
  void visit(int64_t root) {
    path_.assign(1, {root, 0});
    state_[root] = OPEN;
    while (!path_.empty()) {
      const int64_t gene = path_.back().first, target = path_.back().second++;
      if (target == p.d) {
        state_[gene] = DONE;
        path_.pop_back();
      } else if (edge_[gene * p.d + target]) {
        if (state_[target] == OPEN) edge_[gene * p.d + target] = 0;
        if (state_[target] != UNSEEN) continue;
        state_[target] = OPEN;
        path_.push_back({target, 0});
      }
    }
  }

  const Modules& p;
  const Network& net;
  std::vector<int32_t> links_;  // (n): edges into the module, or MEMBER
  std::vector<int64_t> sources_, members_, several_;
  int64_t candidates_ = 0, total_ = 0, regulators_ = 0;  // total: sum of the members' degrees
  std::vector<Candidate> sorted_;
  std::vector<Head> heads_;
  std::vector<char> edge_;  // (d, d)
  std::vector<State> state_;
  std::vector<std::pair<int64_t, int64_t>> path_;
};

class Worker {  // what one thread needs
 public:
  Worker(const Modules& problem, decltype(&base::words) words)
      : p(problem), words_(words), growths_(p.networks.size()),
        choices_(MODELS * (p.d + 1)), roots_(MODELS * p.d), places_(MODELS * p.d), order_(p.d),
        root_(p.d), place_(p.d) {}

  void models(int64_t first, int64_t last) {
    const int64_t d = p.d;
    draw(first, last, MODULE, d + 1, choices_);
    draw(first, last, ROOT, d, roots_);
    draw(first, last, PERMUTATION, d, places_);
    for (int64_t m = first; m < last; ++m) {
      const uint32_t* choice = choices_.data() + (m - first) * (d + 1);
      p.source[m] = below(choice[0], int64_t(p.networks.size()));
      auto& growth = growths_[p.source[m]];
      if (!growth) growth = std::make_unique<Growth>(p, p.networks[p.source[m]]);
      argsort(roots_.data() + (m - first) * d, root_);
      argsort(places_.data() + (m - first) * d, place_);
      growth->module(choice + 1, root_.data(), place_.data(), p.graphs + m * d * d);
    }
  }

 private:
  void draw(int64_t first, int64_t last, uint32_t site, int64_t n, std::vector<uint32_t>& out) {
    const int64_t M = last - first;
    words_(streams_.at(p.key, p.word1 + first, p.word2 + first, M, site, 1), 0, M, n, out.data());
  }

  // Numbers of the words, those of the smallest first; equal ones keep their order.
  void argsort(const uint32_t* words, std::vector<int64_t>& order) {
    for (int64_t k = 0; k < p.d; ++k) order_[k] = uint64_t(words[k]) << 32 | uint64_t(k);
    std::sort(order_.begin(), order_.end());
    for (int64_t k = 0; k < p.d; ++k) order[k] = int64_t(uint32_t(order_[k]));
  }

  const Modules& p;
  decltype(&base::words) words_;
  std::vector<std::unique_ptr<Growth>> growths_;  // by network
  SiteStreams streams_;
  std::vector<uint32_t> choices_, roots_, places_;
  std::vector<uint64_t> order_;
  std::vector<int64_t> root_, place_;
};

}  // namespace

void draw_modules(const Modules& p, Set set, int threads) {
  const int64_t tasks = (p.M + MODELS - 1) / MODELS;
  if (threads > tasks) threads = int(tasks);
  std::vector<Worker> workers;
  for (int t = 0; t < threads; ++t) workers.emplace_back(p, ACTIVA_CHOOSE(set, words));
  parallel_for(tasks, threads, [&](int64_t task, int slot) {
    workers[slot].models(task * MODELS, std::min(p.M, (task + 1) * MODELS));
  });
}

}  // namespace activa
