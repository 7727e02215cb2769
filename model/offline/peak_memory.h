// How much memory a piece of work took at most.
#pragma once

#include <cstdint>

namespace polyscene {

// Resident memory of this process at its highest, host memory alone. Forgets what was before: memory that earlier work
// has freed is given back first, so that it does not count for the next. False where the system cannot begin anew
// (Linux can: /proc/self/clear_refs): then MeasuredPeakMemory() has nothing to tell.
bool BeginPeakMemory();

// Bytes since the last BeginPeakMemory(); 0 where it failed.
int64_t MeasuredPeakMemory();

}  // namespace polyscene
