// Splits problems of exact transport over threads: an assignment where all masses are equal, the
// network simplex elsewhere, and on a line the order of the points.
#ifdef __linux__
#include <sys/mman.h>
#endif
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "../_native/pool.hpp"
#include "cpu.hpp"
#include "dispatch.hpp"
#include "ranges.hpp"
#include "simplex.hpp"

namespace activa {
namespace {

constexpr int64_t ALIGNED = 8;  // doubles in a cache line
[[maybe_unused]] constexpr size_t LARGE_PAGE = size_t(1) << 21;  // bytes of a large page
constexpr int64_t LARGE = 800;  // rows from which on the network simplex is faster for equal masses too
constexpr int64_t SOME = 64;    // rows of costs that are computed in one task
constexpr int64_t SHARED = 250'000;  // costs of a pair that several threads solve together
constexpr int MOST_TOGETHER = 4;     // threads; more would wait for each other

// Threads that take pairs of their own, or that solve each pair together where it is large and they
// are more.
struct Threads {
  Threads(int64_t P, int64_t n, int64_t m, int threads)
      : together(P < threads && n * m >= SHARED ? std::min(threads, MOST_TOGETHER) : 1),
        apart(together > 1 ? 1 : threads) {}
  int together, apart;
};

// What one thread needs for its problems; kept from one to the next.
struct Workspace {
  struct Release {
    void operator()(double* p) const { std::free(p); }
  };
  std::unique_ptr<double[], Release> costs;
  int64_t room = 0;
  std::vector<double> numbers;
  std::vector<int64_t> integers;

  // Room for (n, width) costs whose rows start at a cache line; nothing is written.
  double* matrix(int64_t n, int64_t width) {
    if (room < n * width + ALIGNED) {
      room = n * width + ALIGNED;
      costs.reset(allocated(room * sizeof(double)));
    }
    return lined(costs.get());
  }

  // A copy of costs (n, m) there, infinite beyond m.
  double* padded(const double* cost, int64_t n, int64_t m, int64_t width) {
    double* out = matrix(n, width);
    for (int64_t i = 0; i < n; ++i) {
      std::copy(cost + i * m, cost + (i + 1) * m, out + i * width);
      std::fill(out + i * width + m, out + (i + 1) * width, INFINITY);
    }
    return out;
  }

  // The column of each row where the sum of the costs is least.
  const int64_t* assign(int64_t n, int64_t width, const double* cost, const DistanceKernels<double>& k, int threads) {
    numbers.resize(4 * width + ALIGNED);
    integers.resize(4 * width);
    double* p = lined(numbers.data());
    int64_t *q = integers.data(), *columns = q + width;
    if (n > LARGE && assign_by_simplex(cost, width, n, k, threads, columns)) return columns;
    k.assign({n, width, cost, p, p + width, p + 2 * width, p + 3 * width, q, columns, q + 2 * width, q + 3 * width});
    return columns;
  }

 private:
  // Where the system has them, large matrices lie on large pages: clearing and finding those takes less.
  static double* allocated(size_t bytes) {
    void* p = nullptr;
#ifdef __linux__
    if (bytes >= 2 * LARGE_PAGE) {
      p = std::aligned_alloc(LARGE_PAGE, (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE);
      if (p) madvise(p, bytes, MADV_HUGEPAGE);
    }
#endif
    if (!p) p = std::malloc(bytes);
    if (!p) throw std::bad_alloc();
    return static_cast<double*>(p);
  }

  static double* lined(double* p) {
    return p + (ALIGNED - (reinterpret_cast<uintptr_t>(p) / sizeof(double)) % ALIGNED) % ALIGNED;
  }
};

bool even(const double* a, const double* b, int64_t n, int64_t m) {
  const auto like_first = [&](double mass) { return std::abs(mass - a[0]) <= 1e-12 * a[0]; };
  return n == m && std::all_of(a, a + n, like_first) && std::all_of(b, b + m, like_first);
}

// W_p^p on a line: mass moves from quantile to quantile.
template <class T>
double on_the_line(const T* x, const T* y, const double* a, const double* b, int64_t n, int64_t m, double p) {
  std::vector<int64_t> of_x(n), of_y(m);
  std::iota(of_x.begin(), of_x.end(), int64_t{0});
  std::iota(of_y.begin(), of_y.end(), int64_t{0});
  std::sort(of_x.begin(), of_x.end(), [x](int64_t i, int64_t j) { return x[i] < x[j]; });
  std::sort(of_y.begin(), of_y.end(), [y](int64_t i, int64_t j) { return y[i] < y[j]; });
  const bool equal = even(a, b, n, m);
  double sum = 0, left = a[of_x[0]], room = b[of_y[0]];
  for (int64_t i = 0, j = 0;;) {
    const double gap = std::abs(double(x[of_x[i]]) - double(y[of_y[j]]));
    const double mass = equal ? left : std::min(left, room);
    sum += mass * (p == 1 ? gap : std::pow(gap, p));
    left -= mass;
    room -= mass;
    const bool next_x = equal || left <= 0, next_y = equal || room <= 0;
    if ((next_x && i + 1 == n) || (next_y && j + 1 == m)) return sum;  // what is left is rounding
    if (next_x) left = a[of_x[++i]];
    if (next_y) room = b[of_y[++j]];
  }
}

// All costs r^power (n, width).
template <class T>
void fill_costs(const T* x, const T* y, int64_t n, int64_t m, int64_t d, double power, int64_t width,
                double* cost, const DistanceKernels<T>& k, int threads) {
  const int64_t rows = threads > 1 ? SOME : n;
  parallel_for((n + rows - 1) / rows, threads, [&](int64_t block, int) {
    std::vector<T> columns(d * TILE);
    k.fill_costs(x, y, block * rows, std::min(n, (block + 1) * rows), m, d, power, width, columns.data(), cost);
  });
}

int64_t first_of(const std::vector<unsigned char>& failed) {
  const auto at = std::find(failed.begin(), failed.end(), 1);
  return at == failed.end() ? -1 : at - failed.begin();
}

}  // namespace

void assignment(const double* cost, int64_t P, int64_t n, int64_t* out, const char* isa, int most_threads) {
  const DistanceKernels<double> k = distance_kernels<double>(isa);
  const int64_t width = rounded_up(n, DIAGONAL);
  const Threads threads(P, n, n, most_threads);
  std::vector<Workspace> work(threads.apart);
  parallel_for(P, threads.apart, [&](int64_t p, int slot) {
    const double* given = cost + p * n * n;
    int64_t* columns = out + p * n;
    std::fill(columns, columns + n, -1);
    if (!(k.largest_magnitude(given, n * n) < INFINITY)) return;
    const double* matrix = work[slot].padded(given, n, n, width);
    const int64_t* found = work[slot].assign(n, width, matrix, k, threads.together);
    std::copy(found, found + n, columns);
  });
}

int64_t transport(const double* cost, const double* a, const double* b, int64_t P, int64_t n, int64_t m,
                  double* out, double* plan, const char* isa, int most_threads) {
  const DistanceKernels<double> k = distance_kernels<double>(isa);
  const int64_t width = rounded_up(m, DIAGONAL);
  const Threads threads(P, n, m, most_threads);
  std::vector<Workspace> work(threads.apart);
  std::vector<unsigned char> failed(P);
  parallel_for(P, threads.apart, [&](int64_t p, int slot) {
    const double *given = cost + p * n * m, *left = a + p * n, *right = b + p * m;
    double* flows = plan ? plan + p * n * m : nullptr;
    const double largest = std::max({k.largest_magnitude(given, n * m), k.largest_magnitude(left, n),
                                     k.largest_magnitude(right, m)});
    if (flows) std::fill(flows, flows + n * m, largest < INFINITY ? 0.0 : std::nan(""));
    if (!(largest < INFINITY)) {
      out[p] = std::nan("");
      return;
    }
    double* matrix = work[slot].padded(given, n, m, width);
    if (even(left, right, n, m)) {
      const int64_t* found = work[slot].assign(n, width, matrix, k, threads.together);
      double sum = 0;
      for (int64_t i = 0; i < n; ++i) {
        sum += given[i * n + found[i]];
        if (flows) flows[i * n + found[i]] = left[i];
      }
      out[p] = sum * left[0];
    } else {
      failed[p] = !network_simplex(matrix, width, left, right, n, m, k, threads.together, out + p, flows);
    }
  });
  return first_of(failed);
}

template <class T>
int64_t wasserstein_power(const SamplePairs<T>& s, double power, double* out, const char* isa, int most_threads) {
  const DistanceKernels<T> k = distance_kernels<T>(isa);
  const DistanceKernels<double> wide = distance_kernels<double>(isa);
  const int64_t n = s.n, m = s.m, d = s.d, width = rounded_up(m, DIAGONAL);
  const Threads threads(s.P, n, m, s.P * n * m < 2'000 ? 1 : most_threads);
  std::vector<Workspace> work(threads.apart);
  std::vector<unsigned char> failed(s.P);
  parallel_for(s.P, threads.apart, [&](int64_t p, int slot) {
    const T *x = s.x + p * n * d, *y = s.y + p * m * d;
    const double *a = s.a + p * s.a_stride, *b = s.b + p * s.b_stride;
    const Range range = range_of(std::max(k.largest_magnitude(x, n * d), k.largest_magnitude(y, m * d)));
    if (range == Range::infinite ||
        !(std::max(wide.largest_magnitude(a, n), wide.largest_magnitude(b, m)) < INFINITY)) {
      out[p] = std::nan("");
      return;
    }
    if (d == 1) {
      out[p] = on_the_line(x, y, a, b, n, m, power);
      return;
    }
    double* matrix = work[slot].matrix(n, width);
    if (range == Range::usual) {
      fill_costs(x, y, n, m, d, power, width, matrix, k, threads.together);
    } else {
      const std::vector<double> wide_x(x, x + n * d), wide_y(y, y + m * d);
      fill_costs(wide_x.data(), wide_y.data(), n, m, d, power, width, matrix, wide, threads.together);
    }
    if (even(a, b, n, m)) {
      const int64_t* found = work[slot].assign(n, width, matrix, wide, threads.together);
      double sum = 0;
      for (int64_t i = 0; i < n; ++i) sum += matrix[i * width + found[i]];
      out[p] = sum * a[0];
    } else {
      failed[p] = !network_simplex(matrix, width, a, b, n, m, wide, threads.together, out + p, nullptr);
    }
  });
  return first_of(failed);
}

template int64_t wasserstein_power<float>(const SamplePairs<float>&, double, double*, const char*, int);
template int64_t wasserstein_power<double>(const SamplePairs<double>&, double, double*, const char*, int);

}  // namespace activa
