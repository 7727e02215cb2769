#include "model/offline/peak_memory.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <fstream>
#include <string>

namespace polyscene {
namespace {

bool begun = false;  // Of the process, as the peak is.

}  // namespace

bool BeginPeakMemory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
  std::ofstream clear("/proc/self/clear_refs");
  begun = static_cast<bool>(clear << "5" << std::flush);  // 5: the high water mark becomes what is resident now.
  return begun;
}

int64_t MeasuredPeakMemory() {
  if (!begun) return 0;
  std::ifstream status("/proc/self/status");
  std::string word;
  int64_t kib = 0;
  while (status >> word) {
    if (word == "VmHWM:" && status >> kib) return kib * 1024;
  }
  return 0;
}

}  // namespace polyscene
