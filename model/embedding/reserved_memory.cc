#include "model/embedding/reserved_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace polyscene {
namespace {

// What is smaller than this stays in small pages, so that a model of many small tables takes what it needs.
constexpr int64_t kSmall = int64_t{1} << 20;

}  // namespace

ReservedMemory::ReservedMemory(int64_t bytes, int64_t at_least) : bytes_(bytes) {
  void* region = MAP_FAILED;
  for (; bytes_ > 0 && bytes_ >= at_least; bytes_ /= 2) {
    region = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region != MAP_FAILED) break;
  }
  if (region == MAP_FAILED) throw std::bad_alloc();
  data_ = region;
#ifdef MADV_HUGEPAGE
  // A hint: what the system does not have or not allow it leaves as it is.
  if (bytes_ >= kSmall) madvise(region, bytes_, MADV_HUGEPAGE);
#endif
}

ReservedMemory::~ReservedMemory() { munmap(data_, bytes_); }

int64_t MostMemory() { return int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE); }

}  // namespace polyscene
