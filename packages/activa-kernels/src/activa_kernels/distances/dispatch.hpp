// The units of the instruction set that was asked for; for cpu.cpp and transport.cpp.
#pragma once

#include <cstring>

#include "cpu.hpp"

namespace activa {

template <class T>
struct DistanceKernels {
  T (*largest_magnitude)(const T*, int64_t);
  decltype(&base::weighted_sum<T>) weighted_sum;
  decltype(&base::pair_squares<T>) pair_squares;
  decltype(&base::collect_between<T>) collect_between;
  decltype(&base::select<T>) select;
  decltype(&base::largest_below<T>) largest_below;
  decltype(&base::add_forms<T>) add_forms;
  decltype(&base::fill_costs<T>) fill_costs;
  decltype(&base::assign) assign;
  decltype(&base::least_reduced) least_reduced;
  decltype(&base::cheapest_of_group<double>) cheapest_of_group;
  decltype(&base::cheapest_of_group<float>) cheapest_of_group_roughly;
};

#define ACTIVA_KERNELS(ISA)                                                             \
  {ISA::largest_magnitude, ISA::weighted_sum<T>, ISA::pair_squares<T>,                  \
   ISA::collect_between<T>, ISA::select<T>, ISA::largest_below<T>, ISA::add_forms<T>, \
   ISA::fill_costs<T>, ISA::assign, ISA::least_reduced, \
   ISA::cheapest_of_group<double>, ISA::cheapest_of_group<float>}

template <class T>
DistanceKernels<T> distance_kernels(const char* isa) {
#ifdef ACTIVA_X86
  if (!std::strncmp(isa, "avx512", 6)) return ACTIVA_KERNELS(avx512);
  if (!std::strcmp(isa, "avx2")) return ACTIVA_KERNELS(avx2);
#endif
  (void)isa;
  return ACTIVA_KERNELS(base);
}
#undef ACTIVA_KERNELS

}  // namespace activa
