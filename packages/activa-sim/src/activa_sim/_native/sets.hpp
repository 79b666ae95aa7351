// The instruction sets that arithmetic is compiled for, each in a namespace of its name.
#pragma once

#include <cstdint>

namespace activa {

enum class Set { base, avx2, avx512 };

constexpr int64_t WIDEST = 16;  // lanes of 32 bits of the widest set

// ACTIVA_EACH_SET(M) writes M(set) once for every set that this build has: for declarations.
// ACTIVA_CHOOSE(set, f) is the address of f in the namespace of a set.
#ifdef ACTIVA_X86
#define ACTIVA_EACH_SET(M) M(base) M(avx2) M(avx512)
#define ACTIVA_CHOOSE(set, f) \
  ((set) == Set::avx512 ? &avx512::f : (set) == Set::avx2 ? &avx2::f : &base::f)
#else
#define ACTIVA_EACH_SET(M) M(base)
#define ACTIVA_CHOOSE(set, f) (static_cast<void>(set), &base::f)
#endif

}  // namespace activa
