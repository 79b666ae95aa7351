// Exact assignment on a GPU, one warp a pair: shortest augmenting paths (Jonker & Volgenant, 1987).
//
// A lane owns every 32nd column: its price, its distance from the row that looks for one, and the row
// before it on the way there; nobody else writes them. What one lane writes for another is read after a
// barrier. Among equals the smallest column wins, so the result depends on the costs only.
#pragma once

#include <cmath>

namespace activa {

constexpr double INF = INFINITY;
constexpr int LANES = 32;
constexpr unsigned WARP = 0xffffffffu;

struct Nearest {
  double distance;
  int column;
};

// The nearest column of all lanes, known to all.
__device__ inline Nearest nearest_of_warp(Nearest mine) {
  for (int offset = LANES / 2; offset > 0; offset /= 2) {
    const double distance = __shfl_xor_sync(WARP, mine.distance, offset);
    const int column = __shfl_xor_sync(WARP, mine.column, offset);
    if (distance < mine.distance || (distance == mine.distance && column < mine.column))
      mine = {distance, column};
  }
  return mine;
}

__device__ inline int least_of_warp(int mine) {
  for (int offset = LANES / 2; offset > 0; offset /= 2) {
    const int other = __shfl_xor_sync(WARP, mine, offset);
    if (other < mine) mine = other;
  }
  return mine;
}

template <int CAPACITY>
struct Assignment {
  double row_price[CAPACITY], column_price[CAPACITY];
  double distance[CAPACITY];
  short column_of[CAPACITY], row_of[CAPACITY];  // -1 where there is none yet
  short row_before[CAPACITY];  // of a column, on the shortest path to it
};

// Prices that no reduced cost is negative under, and what costs nothing then. False: not all finite.
template <typename Real, int CAPACITY>
__device__ bool start_prices(const Real* cost, int n, Assignment<CAPACITY>& state, int lane) {
  int finite = 1;
  for (int j = lane; j < n; j += LANES) {
    double least = INF;
    for (int i = 0; i < n; ++i) {
      const double here = cost[static_cast<long long>(i) * n + j];
      if (!isfinite(here)) finite = 0;
      if (here < least) least = here;
    }
    state.column_price[j] = least;
    state.row_of[j] = -1;
  }
  if (least_of_warp(finite) == 0) return false;
  for (int i = 0; i < n; ++i) {
    const Real* costs = cost + static_cast<long long>(i) * n;
    Nearest any = {INF, n}, room = {INF, n};
    for (int j = lane; j < n; j += LANES) {
      const double reduced = costs[j] - state.column_price[j];
      if (reduced < any.distance) any = {reduced, j};
      if (reduced < room.distance && state.row_of[j] < 0) room = {reduced, j};
    }
    any = nearest_of_warp(any);
    room = nearest_of_warp(room);
    const bool takes = room.column < n && room.distance == any.distance;
    if (takes && room.column % LANES == lane) state.row_of[room.column] = i;
    if (lane == 0) {
      state.row_price[i] = any.distance;
      state.column_of[i] = takes ? room.column : -1;
    }
  }
  __syncwarp(WARP);
  return true;
}

// Give row `start` a column, by way of rows that take another one. False: costs too large to add.
template <typename Real, int CAPACITY>
__device__ bool augment(const Real* cost, int n, int start, Assignment<CAPACITY>& state, int lane) {
  unsigned closed = 0;  // a bit for each column of this lane
  for (int j = lane; j < n; j += LANES) state.distance[j] = INF;
  int row = start, end = -1;
  double length = 0;
  while (end < 0) {
    const Real* costs = cost + static_cast<long long>(row) * n;
    const double price = state.row_price[row];
    Nearest nearest = {INF, n};
    for (int j = lane, own = 0; j < n; j += LANES, ++own) {
      if (closed >> own & 1) continue;
      const double through = length + ((costs[j] - state.column_price[j]) - price);
      if (through < state.distance[j]) {
        state.distance[j] = through;
        state.row_before[j] = row;
      }
      if (state.distance[j] < nearest.distance) nearest = {state.distance[j], j};
    }
    nearest = nearest_of_warp(nearest);
    if (nearest.column >= n) return false;
    length = nearest.distance;
    if (nearest.column % LANES == lane) closed |= 1u << nearest.column / LANES;
    row = state.row_of[nearest.column];
    if (row < 0) end = nearest.column;
  }
  for (int j = lane, own = 0; j < n; j += LANES, ++own)
    if (closed >> own & 1 && j != end) {
      const double change = length - state.distance[j];
      state.column_price[j] -= change;
      state.row_price[state.row_of[j]] += change;
    }
  if (lane == 0) state.row_price[start] += length;
  __syncwarp(WARP);  // before row_of changes, and so that row_before is known
  if (lane == 0)
    for (int column = end, before = -1; before != start;) {
      before = state.row_before[column];
      state.row_of[column] = before;
      const int next = state.column_of[before];
      state.column_of[before] = column;
      column = next;
    }
  __syncwarp(WARP);
  return true;
}

// costs (pairs, n, n) -> the column of each row (pairs, n); -1 throughout where costs are not finite.
template <typename Real, int CAPACITY>
__global__ void assign_pairs(const Real* costs, int n, long long* columns) {
  __shared__ Assignment<CAPACITY> state;
  const int lane = threadIdx.x;
  const Real* cost = costs + static_cast<long long>(blockIdx.x) * n * n;
  long long* out = columns + static_cast<long long>(blockIdx.x) * n;
  bool finite = start_prices(cost, n, state, lane);
  for (int i = 0; finite && i < n; ++i)
    if (state.column_of[i] < 0) finite = augment(cost, n, i, state, lane);
  for (int i = lane; i < n; i += LANES) out[i] = finite ? state.column_of[i] : -1;
}

}  // namespace activa
