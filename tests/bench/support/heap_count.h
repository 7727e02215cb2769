// How often a program asks the heap for memory, whoever in it does: what links this has a malloc that counts.
#pragma once

#include <cstdint>

namespace polyscene {

int64_t HeapAllocations();  // Of all threads, since the program's start; `new` included.

}  // namespace polyscene
