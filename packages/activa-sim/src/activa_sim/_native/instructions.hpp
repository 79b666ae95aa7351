// The name of an instruction set, as Python gives it; for what is compiled once.
#pragma once

#include <string>

#include "sets.hpp"

namespace activa {

inline Set set_of(const std::string& name) {
  return name == "avx512" ? Set::avx512 : name == "avx2" ? Set::avx2 : Set::base;
}

}  // namespace activa
