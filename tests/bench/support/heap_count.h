// How often a program asks the heap for memory: what links this has a malloc and a new that count.
#pragma once

#include <cstdint>

namespace polyscene {

// Of all threads, since the program's start.
struct HeapAllocations {
  int64_t ours = 0;       // Whoever asked, but for
  int64_t of_onednn = 0;  // the code of oneDNN's library, which nobody outside it can keep from asking.
};
HeapAllocations CountAllocations();

// Finds out where that library's code lies. To be called once, before what is counted; until then all count as ours.
// False: the program has no such library.
bool TellOneDnnApart();

}  // namespace polyscene
