// Splits a block into tiles, and the sums of weight gradients into chunks of tiles, by its shape alone:
// results are the same for any number of threads.
#include "cpu.hpp"
#include "stopwatch.hpp"

#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "../_native/pool.hpp"

namespace activa {
namespace {

template <class T, class M>
struct Kernels {  // of one instruction set
  decltype(&base::pack_weights<T, M>) pack_weights;
  decltype(&base::forward_scratch<T, M>) forward_scratch;
  decltype(&base::before_attention<T, M>) before_attention;
  decltype(&base::attention_scratch<T, M>) attention_scratch;
  decltype(&base::attention_forward<T, M>) attention_forward;
  decltype(&base::after_attention<T, M>) after_attention;
  decltype(&base::backward_scratch<T, M>) backward_scratch;
  decltype(&base::backward_tile<T, M>) backward_tile;
};

template <class T, class M>
Kernels<T, M> kernels_of(const char* isa) {
#define ACTIVA_KERNELS(ISA)                                                                        \
  Kernels<T, M> {                                                                                  \
    ISA::pack_weights<T, M>, ISA::forward_scratch<T, M>, ISA::before_attention<T, M>,              \
        ISA::attention_scratch<T, M>, ISA::attention_forward<T, M>, ISA::after_attention<T, M>,    \
        ISA::backward_scratch<T, M>, ISA::backward_tile<T, M>                                      \
  }
#ifdef ACTIVA_X86
  if (!std::strcmp(isa, "avx512bf16")) return ACTIVA_KERNELS(avx512bf16);
  if (!std::strcmp(isa, "avx512")) return ACTIVA_KERNELS(avx512);
  if (!std::strcmp(isa, "avx2")) return ACTIVA_KERNELS(avx2);
#endif
  (void)isa;
  return ACTIVA_KERNELS(base);
#undef ACTIVA_KERNELS
}

// Memory aligned as vectors want it; what it holds is not defined.
class Memory {
 public:
  explicit Memory(int64_t bytes)
      : at_(::operator new(size_t(bytes > 0 ? bytes : 1), std::align_val_t(64))) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { ::operator delete(at_, std::align_val_t(64)); }
  char* get() const { return static_cast<char*>(at_); }

 private:
  void* at_;
};

// Tiles of whole items; 320 tokens fill the cache, fewer where there would be too few tiles.
struct Tiles {
  template <class T>
  explicit Tiles(const Block<T>& b) : item_tokens(b.N * b.d) {
    const int64_t share = b.B * item_tokens / 16;
    const int64_t target = share > 320 ? 320 : share < 64 ? 64 : share;
    items = item_tokens > 0 && item_tokens < target ? target / item_tokens : 1;
    count = (b.B + items - 1) / items;
    rows = items * item_tokens;
  }
  int64_t item_tokens, items, count, rows;  // items and rows of a tile, the last may have fewer
};

// The real tokens of a tile.
struct Rows {
  template <class T>
  Rows(const Block<T>& b, const Tiles& tiles, int64_t tile) {
    const int64_t last = (tile + 1) * tiles.items < b.B ? (tile + 1) * tiles.items : b.B;
    for (int64_t i = tile * tiles.items; i < last; ++i) {
      const Item item{int64_t(tokens.size()), b.n_obs ? b.n_obs[i] : b.N, b.n_vars ? b.n_vars[i] : b.d};
      items.push_back(item);
      tokens.reserve(tokens.size() + size_t(item.N * item.d));
      for (int64_t n = 0; n < item.N; ++n)
        for (int64_t j = 0; j < item.d; ++j) tokens.push_back((i * b.N + n) * b.d + j);
      sequences += b.over_samples ? item.d : item.N;
    }
    whole = {b.e, b.heads, b.over_samples, items.data(), int64_t(items.size()), tokens.data(),
             int64_t(tokens.size())};
  }
  std::vector<Item> items;
  std::vector<int64_t> tokens;
  int64_t sequences = 0;
  Tile whole;
};

// Zeros at the tokens of a tile that are padding.
template <class T>
void clear_padding(const Block<T>& b, const Tiles& tiles, int64_t tile, T* out) {
  if (!b.n_obs && !b.n_vars) return;
  const int64_t last = (tile + 1) * tiles.items < b.B ? (tile + 1) * tiles.items : b.B;
  for (int64_t i = tile * tiles.items; i < last; ++i)
    for (int64_t n = 0; n < b.N; ++n) {
      const bool real = !b.n_obs || n < b.n_obs[i];
      const int64_t from = !real ? 0 : b.n_vars ? b.n_vars[i] : b.d, row = (i * b.N + n) * b.d;
      std::memset(out + (row + from) * b.e, 0, size_t((b.d - from) * b.e) * sizeof(T));
    }
}

int64_t longest(int64_t N, int64_t d, bool over_samples) { return over_samples ? N : d; }

// Bytes of a token in each of the two parts of what is saved: M first, then T.
template <class M>
int64_t bytes_of_inputs(int64_t e, int64_t h, bool with_hidden) {
  return (4 * padded(e) + (with_hidden ? padded(h) : 0)) * int64_t(sizeof(M));
}
template <class T>
int64_t bytes_of_sums(int64_t heads) {
  return (4 + heads) * int64_t(sizeof(T));
}

// What is saved of the real rows of a tile: inputs of products, and sums.
template <class T, class M>
Saved<T, M> saved_at(char* inputs, char* sums, const Block<T>& b, int64_t rows, bool backward) {
  const int64_t size = rows * padded(b.e);
  M* const p = reinterpret_cast<M*>(inputs);
  auto* const moments = reinterpret_cast<Moments<T>*>(sums);
  return {p, p + size, p + 2 * size, p + 3 * size, backward ? p + 4 * size : nullptr,
          moments, moments + rows, backward ? reinterpret_cast<T*>(moments + 2 * rows) : nullptr};
}

template <class T, class M>
Saved<T, M> saved_in(void* workspace, const Block<T>& b, const Tiles& tiles, int64_t tile, int64_t rows) {
  const int64_t before = tile * tiles.rows, size = bytes_of_inputs<M>(b.e, b.h, true);
  char* const inputs = static_cast<char*>(workspace);
  char* const sums = inputs + b.B * tiles.item_tokens * size + before * bytes_of_sums<T>(b.heads);
  return saved_at<T, M>(inputs + before * size, sums, b, rows, true);
}

// A matrix out of its blocks of (64, 64).
template <class T>
void write_matrix(const T* blocks, int64_t outputs, int64_t inputs, bool transposed, T* out) {
  const int64_t width = padded(transposed ? outputs : inputs);
  for (int64_t r = 0; r < outputs; ++r)
    for (int64_t c = 0; c < inputs; ++c) {
      const int64_t i = transposed ? c : r, j = transposed ? r : c;
      const int64_t block = i / PANEL * width + j / PANEL * PANEL;
      out[r * inputs + c] = blocks[block * PANEL + i % PANEL * PANEL + j % PANEL];
    }
}

template <class T>
void write_gradients(const T* sums, int64_t e, int64_t h, const Weights<T*>& out) {
  const auto from = gradient_sums(const_cast<T*>(sums), e, h);
  const auto vector = [](const T* p, int64_t size, T* to) { std::memcpy(to, p, size_t(size) * sizeof(T)); };
  const int64_t E = padded(e);
  for (int64_t i = 0; i < 3; ++i) {
    write_matrix(from.query_key_value_weight + i * E * E, e, e, false, out.query_key_value_weight + i * e * e);
    vector(from.query_key_value_bias + i * E, e, out.query_key_value_bias + i * e);
  }
  write_matrix(from.projection_weight, e, e, false, out.projection_weight);
  write_matrix(from.hidden_weight, h, e, false, out.hidden_weight);
  write_matrix(from.output_weight, e, h, true, out.output_weight);
  vector(from.attention_norm_weight, e, out.attention_norm_weight);
  vector(from.attention_norm_bias, e, out.attention_norm_bias);
  vector(from.projection_bias, e, out.projection_bias);
  vector(from.feed_forward_norm_weight, e, out.feed_forward_norm_weight);
  vector(from.feed_forward_norm_bias, e, out.feed_forward_norm_bias);
  vector(from.hidden_bias, h, out.hidden_bias);
  vector(from.output_bias, e, out.output_bias);
}

// Tiles of one chunk are summed in order, and then the chunks: enough for 16 threads.
int64_t chunks_of(int64_t tiles) { return tiles < 16 ? tiles / 2 + 1 : tiles < 64 ? tiles / 4 : 16; }

}  // namespace

template <class T, class M>
int64_t workspace_bytes(int64_t tokens, int64_t e, int64_t h, int64_t heads) {
  return tokens * (bytes_of_inputs<M>(e, h, true) + bytes_of_sums<T>(heads));
}

template <class T, class M>
void attention_block_forward(const Block<T>& b, T* out, T* middle, void* workspace, const char* isa,
                             int threads) {
  pass_began(Pass::forward);
  const Kernels<T, M> k = kernels_of<T, M>(isa);
  const Tiles tiles(b);
  PackedWeights<T> packed;
  const Memory weights(k.pack_weights(b, false, nullptr, nullptr));
  k.pack_weights(b, false, weights.get(), &packed);
  phase_ended(Phase::packing);

  const int64_t step = rows_at_once(tiles.rows);
  const int64_t phase = k.forward_scratch(b, step);
  const int64_t attention = k.attention_scratch(longest(b.N, b.d, b.over_samples), b.e, b.heads);
  const int64_t scratch = ((phase > attention ? phase : attention) + 63) / 64 * 64;
  const int64_t inputs = tiles.rows * bytes_of_inputs<M>(b.e, b.h, false);
  const int64_t kept = workspace ? 0 : inputs + (tiles.rows * bytes_of_sums<T>(0) + 63) / 64 * 64;
  // the tasks are tiles; where a tile is a long item, they are parts of it, and one tile has all threads
  const bool wide = tiles.rows > step;
  const Memory memory(threads * scratch + (wide ? 1 : threads) * kept);
  const auto run = [&](int64_t tile, int slot, int inner_threads) {
    const Rows rows(b, tiles, tile);
    char* const keep = memory.get() + threads * scratch + slot * kept;
    const Saved<T, M> saved = workspace ? saved_in<T, M>(workspace, b, tiles, tile, rows.whole.rows)
                                        : saved_at<T, M>(keep, keep + inputs, b, rows.whole.rows, false);
    T* const y = middle ? middle : out;
    const auto parts = [&](int64_t total, int64_t size, auto task) {  // of `size`, from `total`
      if (total == 0) return;
      const auto part = [&](int64_t i, int inner) {
        const int64_t first = i * size, last = first + size < total ? first + size : total;
        task(first, last, memory.get() + (inner_threads > 1 ? inner : slot) * scratch);
      };
      parallel_for((total + size - 1) / size, inner_threads, part);
    };
    phase_ended(Phase::other);
    parts(rows.whole.rows, step, [&](int64_t first, int64_t last, void* s) {
      k.before_attention(b, packed, rows.whole, first, last, saved, s);
    });
    parts(rows.sequences, wide ? (rows.sequences + 63) / 64 : rows.sequences, [&](int64_t first, int64_t last, void* s) {
      k.attention_forward(rows.whole, first, last, saved.query, saved.key, saved.value, saved.attended,
                          saved.log_sums, s);
      phase_ended(Phase::attention);
    });
    parts(rows.whole.rows, step, [&](int64_t first, int64_t last, void* s) {
      k.after_attention(b, packed, rows.whole, first, last, saved, y, out, s);
    });
    clear_padding(b, tiles, tile, out);
    if (middle) clear_padding(b, tiles, tile, middle);
  };
  if (wide)
    for (int64_t tile = 0; tile < tiles.count; ++tile) run(tile, 0, threads);
  else
    parallel_for(tiles.count, threads, [&](int64_t tile, int slot) { run(tile, slot, 1); });
  pass_began(Pass::outside);
}

template <class T, class M>
void attention_block_backward(const Block<T>& b, const T* grad_out, const T* middle,
                              const void* workspace, T* grad_x, const Weights<T*>& gradients,
                              const char* isa, int threads) {
  pass_began(Pass::backward);
  const Kernels<T, M> k = kernels_of<T, M>(isa);
  const Tiles tiles(b);
  PackedWeights<T> packed;
  const Memory weights(k.pack_weights(b, true, nullptr, nullptr));
  k.pack_weights(b, true, weights.get(), &packed);
  phase_ended(Phase::packing);

  const int64_t scratch = k.backward_scratch(b, tiles.rows, longest(b.N, b.d, b.over_samples));
  const int64_t chunks = chunks_of(tiles.count), numbers = gradient_numbers(b.e, b.h);
  const Memory memory(threads * scratch), sums(chunks * numbers * int64_t(sizeof(T)));
  T* const all_sums = reinterpret_cast<T*>(sums.get());
  parallel_for(chunks, threads, [&](int64_t chunk, int slot) {
    T* const own = all_sums + chunk * numbers;
    std::memset(own, 0, size_t(numbers) * sizeof(T));
    for (int64_t tile = chunk * tiles.count / chunks; tile < (chunk + 1) * tiles.count / chunks; ++tile) {
      const Rows rows(b, tiles, tile);
      const Saved<T, M> saved =
          saved_in<T, M>(const_cast<void*>(workspace), b, tiles, tile, rows.whole.rows);
      phase_ended(Phase::other);
      k.backward_tile(b, packed, rows.whole, saved, middle, grad_out, grad_x,
                      gradient_sums(own, b.e, b.h), memory.get() + slot * scratch);
      clear_padding(b, tiles, tile, grad_x);
    }
  });
  phase_ended(Phase::other);
  const int64_t pieces = 16;
  parallel_for(chunks > 1 ? pieces : 0, threads, [&](int64_t piece, int) {
    const int64_t last = (piece + 1) * numbers / pieces;
    for (int64_t chunk = 1; chunk < chunks; ++chunk)
      for (int64_t i = piece * numbers / pieces; i < last; ++i) all_sums[i] += all_sums[chunk * numbers + i];
  });
  write_gradients(all_sums, b.e, b.h, gradients);
  phase_ended(Phase::reduction);
  pass_began(Pass::outside);
}

#define ACTIVA_INSTANTIATE(T, M)                                                                 \
  template int64_t workspace_bytes<T, M>(int64_t, int64_t, int64_t, int64_t);                    \
  template void attention_block_forward<T, M>(const Block<T>&, T*, T*, void*, const char*, int); \
  template void attention_block_backward<T, M>(const Block<T>&, const T*, const T*, const void*, \
                                               T*, const Weights<T*>&, const char*, int);
ACTIVA_INSTANTIATE(float, float)
ACTIVA_INSTANTIATE(float, Bfloat16)
ACTIVA_INSTANTIATE(double, double)

}  // namespace activa
