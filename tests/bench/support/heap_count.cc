#include "tests/bench/support/heap_count.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>

#include <atomic>

// The C library's own, which these stand before.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace polyscene {
namespace {

std::atomic<int64_t> g_allocations{0};

void Count() { g_allocations.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

int64_t HeapAllocations() { return g_allocations.load(std::memory_order_relaxed); }

}  // namespace polyscene

extern "C" {

void* malloc(size_t size) {
  polyscene::Count();
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  polyscene::Count();
  return __libc_calloc(count, size);
}

void* realloc(void* memory, size_t size) {
  polyscene::Count();
  return __libc_realloc(memory, size);
}

void* memalign(size_t alignment, size_t size) {
  polyscene::Count();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void** memory, size_t alignment, size_t size) {
  void* got = memalign(alignment, size);
  if (got == nullptr) return ENOMEM;
  *memory = got;
  return 0;
}
}
