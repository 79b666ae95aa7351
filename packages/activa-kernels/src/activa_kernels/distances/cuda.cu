// Exact assignment of many small pairs on a CUDA device, as a library that is loaded on demand.
#include "assignment.cuh"

namespace {

constexpr int FEW = 64, MOST = 256;  // rows that the shared memory of a warp is laid out for

template <typename Real>
void launch(const Real* costs, int n, unsigned pairs, long long* columns, cudaStream_t stream) {
  if (n <= FEW)
    activa::assign_pairs<Real, FEW><<<pairs, activa::LANES, 0, stream>>>(costs, n, columns);
  else
    activa::assign_pairs<Real, MOST><<<pairs, activa::LANES, 0, stream>>>(costs, n, columns);
}

}  // namespace

// costs (pairs, n, n) in double, or else float, 1 <= n <= 256 and pairs < 2^31; columns (pairs, n).
// The device becomes the current one. Returns a cudaError_t.
extern "C" int activa_assign(const void* costs, int is_double, int n, long long pairs,
                             long long* columns, int device, void* stream) {
  if (n < 1 || n > MOST || pairs < 1 || pairs >= 1LL << 31) return cudaErrorInvalidValue;
  const cudaError_t chosen = cudaSetDevice(device);  // this library has a runtime of its own
  if (chosen != cudaSuccess) return chosen;
  const auto count = static_cast<unsigned>(pairs);
  const auto queue = static_cast<cudaStream_t>(stream);
  if (is_double)
    launch(static_cast<const double*>(costs), n, count, columns, queue);
  else
    launch(static_cast<const float*>(costs), n, count, columns, queue);
  return cudaGetLastError();
}

extern "C" const char* activa_cuda_error(int code) {
  return cudaGetErrorString(static_cast<cudaError_t>(code));
}
