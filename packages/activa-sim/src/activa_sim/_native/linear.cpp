// Splits models into tasks, and the rows of a model into chunks that stay in the nearest cache.
#include "linear.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "pool.hpp"

namespace activa {
namespace {

// Sites of rng.py.
constexpr uint32_t GRAPH = 0, PERMUTATION = 1, MECHANISM = 2, NOISE_LAW = 3, NOISE = 4,
                   JITTER = 6;
constexpr int64_t NUMBERS = 1 << 14;  // a task, some 30 microseconds; a thread waits so long at most
constexpr int64_t BLOCKS = 768;  // a chunk

int64_t whole(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

class Plan {  // counter words of a list of blocks
 public:
  void add(uint32_t block, uint32_t site, uint32_t axes) {
    block_.push_back(block), site_.push_back(site), axes_.push_back(axes);
  }
  void fill() {  // what is left of the last vector
    while (block_.size() % WIDEST) add(0, 0, 0);
  }
  Counters counters() const {
    return {block_.data(), site_.data(), axes_.data(), int64_t(block_.size())};
  }

 private:
  std::vector<uint32_t> block_, site_, axes_;
};

Plan plan_of_model(int64_t d) {
  Plan plan;
  const Parts parts(d);
  for (int64_t b = 0; b < parts.weights; ++b) plan.add(b, GRAPH, 0);
  for (int64_t i = 0; i < d; ++i)
    for (int64_t b = 0; b < parts.row; ++b) plan.add(b, MECHANISM, i);
  for (int64_t b = 0; b < parts.row; ++b) plan.add(b, PERMUTATION, 0);
  for (int64_t j = 0; j < d; ++j) plan.add(0, NOISE_LAW, j);
  plan.fill();
  return plan;
}

std::vector<Chunk> chunks_of(const Linear& law) {
  const int64_t blocks = (law.n + 3) / 4, regimes = 1 + law.samples * law.d;
  const int64_t most = std::max<int64_t>(WIDEST, BLOCKS / law.d);
  const int64_t together = std::max<int64_t>(1, most / blocks), at_once = std::min(blocks, most);
  std::vector<Chunk> chunks;
  for (int64_t r = 0; r < regimes; r += together)
    for (int64_t b = 0; b < blocks; b += at_once) {
      Chunk chunk{r, std::min(r + together, regimes), b, std::min(b + at_once, blocks), 0};
      chunk.stride = whole((chunk.last - chunk.first) * (chunk.end - chunk.begin), WIDEST / 2);
      chunks.push_back(chunk);
    }
  return chunks;
}

Plan plan_of_chunk(const Linear& law, const Chunk& chunk) {
  Plan plan;
  for (int64_t j = 0; j < law.d; ++j) {
    int64_t left = chunk.stride;
    for (int64_t r = chunk.first; r < chunk.last; ++r)
      for (int64_t b = chunk.begin; b < chunk.end; ++b, --left) {
        const bool own = r > 0 && (r - 1) % law.d == j;
        plan.add(b, own ? JITTER : NOISE, uint32_t(j | (1 + r) << 16));  // regime 0 calibrates
      }
    for (; left > 0; --left) plan.add(0, NOISE, uint32_t(j));
  }
  plan.fill();
  return plan;
}

struct Memory {  // of one thread
  Memory(int64_t d, int64_t words, int64_t places, bool beta)
      : integers(d * (d + 3)), doubles(d * (d + 2)), lanes(4 * words), numbers(4 * (places + WIDEST)),
        x(d * 4 * WIDEST), counters(beta ? 8 * places : 0), left(beta ? 4 * places : 0),
        gamma(beta ? 8 * places : 0) {
    model.place = integers.data(), model.column = model.place + d;
    model.parents = model.column + d, model.parent = model.parents + d;
    model.weight = doubles.data(), model.shape = model.weight + d * d;
    for_beta = {counters.data(), counters.data() + 4 * places, left.data(),
                {gamma.data(), gamma.data() + 4 * places}};
    for (int lane = 0; lane < 4; ++lane) {
      part[lane] = lanes.data() + lane * words;
      noise[lane] = numbers.data() + lane * (places + WIDEST);
    }
  }

  Model model;
  uint32_t* part[4];
  float* noise[4];
  std::vector<int32_t> integers;
  std::vector<double> doubles;
  std::vector<uint32_t> lanes;
  std::vector<float> numbers;
  std::vector<double> x;
  BetaMemory for_beta;
  std::vector<uint32_t> counters;
  std::vector<int32_t> left;
  std::vector<double> gamma;
};

}  // namespace

void draw_linear(const Linear& law, Set set, int threads) {
  const auto block_words = ACTIVA_CHOOSE(set, block_words);
  const auto block_normals = ACTIVA_CHOOSE(set, block_normals);
  const auto beta_noise = ACTIVA_CHOOSE(set, beta_noise);
  const auto write_rows = ACTIVA_CHOOSE(set, write_rows);
  const int64_t d = law.d, square = d * d;
  const Plan model_plan = plan_of_model(d);
  const std::vector<Chunk> chunks = chunks_of(law);
  std::vector<Plan> plans;
  int64_t places = 0;
  for (const Chunk& chunk : chunks) {
    plans.push_back(plan_of_chunk(law, chunk));
    places = std::max(places, plans.back().counters().n);
  }
  std::vector<float> values(square, NAN);
  std::vector<uint8_t> targets(square);
  for (int64_t i = 0; i < d; ++i) values[i * d + i] = float(law.value), targets[i * d + i] = 1;

  const int64_t each = (1 + law.samples * d) * law.n * d + square;
  const int64_t models = std::max<int64_t>(1, NUMBERS / each), tasks = (law.M + models - 1) / models;
  if (threads > tasks) threads = int(tasks);
  std::vector<Memory> memory;
  memory.reserve(threads);
  for (int t = 0; t < threads; ++t) memory.emplace_back(d, model_plan.counters().n, places, law.beta);
  parallel_for(tasks, threads, [&](int64_t task, int slot) {
    Memory& own = memory[slot];
    Model& model = own.model;
    model.key = law.key;
    for (int64_t m = task * models; m < std::min(law.M, (task + 1) * models); ++m) {
      model.word1 = uint32_t(law.word1[m]), model.word2 = uint32_t(law.word2[m]);
      block_words(model, model_plan.counters(), own.part);
      draw_model(law, own.part, model, law.graphs + m * square);
      std::memcpy(law.values + m * square, values.data(), square * sizeof(float));
      std::memcpy(law.targets + m * square, targets.data(), square);
      for (size_t c = 0; c < chunks.size(); ++c) {
        block_normals(model, plans[c].counters(), own.noise,
                      reinterpret_cast<const char*>(law.interv + m * d * law.n * d),
                      chunks.size() == 1 ? d * law.n * d * int64_t(sizeof(float)) : 0);
        if (law.beta) beta_noise(law, model, chunks[c], own.for_beta, own.noise);
        write_rows(law, model, chunks[c], own.noise, own.x.data(), m);
      }
    }
  });
}

}  // namespace activa
