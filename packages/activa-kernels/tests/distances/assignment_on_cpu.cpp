// The CUDA kernel of exact assignment, and one that is wrong, as a library for the CPU.
#include "cuda_on_cpu.hpp"

#include "assignment.cuh"

namespace {

template <typename Real>
void launch(const void* costs, int n, unsigned pairs, long long* columns, cuda_on_cpu::Order order) {
  const auto kernel = n <= 64 ? activa::assign_pairs<Real, 64> : activa::assign_pairs<Real, 256>;
  cuda_on_cpu::launch(kernel, pairs, order, static_cast<const Real*>(costs), n, columns);
}

void half_of_the_warp_waits() {
  if (threadIdx.x < 16) __syncwarp(activa::WARP);
}

}  // namespace

extern "C" void assign(const void* costs, int is_double, int n, unsigned pairs, long long* columns,
                       int order) {
  const auto lanes = static_cast<cuda_on_cpu::Order>(order);
  (is_double ? launch<double> : launch<float>)(costs, n, pairs, columns, lanes);
}

extern "C" bool divergence_is_seen() {
  try {
    cuda_on_cpu::launch(half_of_the_warp_waits, 1, cuda_on_cpu::Order::ascending);
  } catch (const std::runtime_error&) {
    return true;
  }
  return false;
}
