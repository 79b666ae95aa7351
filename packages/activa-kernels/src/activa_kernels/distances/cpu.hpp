// Exact optimal transport between two small discrete distributions, in float64.
#pragma once

#include <cstdint>

namespace activa {

// The least sum of P_ij cost_ij over P >= 0 with row sums a (n) and column sums b (m), which the
// caller made to have one total; cost is (n, m), row-major. NaN if anything is not finite.
// Throws std::runtime_error if the search does not end.
double transport_cost(const double* cost, const double* a, const double* b, int64_t n, int64_t m);

}  // namespace activa
