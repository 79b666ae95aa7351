// A persistent pool of threads. The caller works too, so `threads` = 1 starts none.
#pragma once

#include <cstdint>
#include <functional>

namespace activa {

// Calls task(index, slot) once for every index in [0, count), with slot < threads naming a scratch
// area that no other running task uses. Which thread takes an index is not defined: a task may write
// only what belongs to its index, and then the result is the same for any number of threads.
// The first exception of a task is rethrown here, after the others have ended.
void parallel_for(int64_t count, int threads,
                  const std::function<void(int64_t index, int slot)>& task);

}  // namespace activa
