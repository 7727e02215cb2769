// How much memory the process holds.
#pragma once

#include <cstdint>

namespace polyscene {

// Resident memory of this process in bytes, as the kernel counts it; 0 where it does not tell.
uint64_t ResidentMemoryBytes();

}  // namespace polyscene
