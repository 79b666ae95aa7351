// Optimal transport with masses of any size, by the network simplex.
#pragma once

#include <cstdint>

#include "dispatch.hpp"

namespace activa {

// Costs (n, width) with infinity beyond column m, masses a (n) and b (m) of one total. Sets the least
// cost and, where `plan` (n, m) is not null, the masses in it that move. False if the
// search does not end.
bool network_simplex(const double* cost, int64_t width, const double* a, const double* b, int64_t n,
                     int64_t m, const DistanceKernels<double>& kernels, int threads, double* out, double* plan);

// The column of each of n rows where the sum of the costs is least; false as above.
bool assign_by_simplex(const double* cost, int64_t width, int64_t n,
                       const DistanceKernels<double>& kernels, int threads, int64_t* columns);

}  // namespace activa
