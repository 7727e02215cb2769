#include "tests/bench/support/heap_count.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <string.h>

#include <atomic>
#include <new>

// The C library's own, which these stand before.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* memory);
}

namespace polyscene {
namespace {

std::atomic<int64_t> g_ours{0};
std::atomic<int64_t> g_of_onednn{0};
std::atomic<uintptr_t> g_code_begin{0};  // Of oneDNN.
std::atomic<uintptr_t> g_code_end{0};

// caller: an address within the function that asked.
void Count(const void* caller) {
  const auto address = reinterpret_cast<uintptr_t>(caller);
  const bool of_onednn =
      address >= g_code_begin.load(std::memory_order_relaxed) && address < g_code_end.load(std::memory_order_relaxed);
  (of_onednn ? g_of_onednn : g_ours).fetch_add(1, std::memory_order_relaxed);
}

int FindCode(dl_phdr_info* library, size_t, void*) {
  if (strstr(library->dlpi_name, "libdnnl") == nullptr) return 0;
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const auto& segment = library->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    g_code_begin = library->dlpi_addr + segment.p_vaddr;
    g_code_end = library->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    return 1;
  }
  return 0;
}

void* New(size_t size, const void* caller) {
  Count(caller);
  return __libc_malloc(size == 0 ? 1 : size);
}

void* NewAligned(size_t size, std::align_val_t alignment, const void* caller) {
  Count(caller);
  return __libc_memalign(static_cast<size_t>(alignment), size);
}

void* OrThrow(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

HeapAllocations CountAllocations() {
  return {g_ours.load(std::memory_order_relaxed), g_of_onednn.load(std::memory_order_relaxed)};
}

bool TellOneDnnApart() { return dl_iterate_phdr(FindCode, nullptr) == 1; }

}  // namespace polyscene

extern "C" {

void* malloc(size_t size) {
  polyscene::Count(__builtin_return_address(0));
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  polyscene::Count(__builtin_return_address(0));
  return __libc_calloc(count, size);
}

void* realloc(void* memory, size_t size) {
  polyscene::Count(__builtin_return_address(0));
  return __libc_realloc(memory, size);
}

void* memalign(size_t alignment, size_t size) {
  polyscene::Count(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  polyscene::Count(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, size_t alignment, size_t size) {
  polyscene::Count(__builtin_return_address(0));
  void* got = __libc_memalign(alignment, size);
  if (got == nullptr) return ENOMEM;
  *memory = got;
  return 0;
}
}

// The standard library's would ask malloc, and so hide who asked them.
void* operator new(size_t size) { return polyscene::OrThrow(polyscene::New(size, __builtin_return_address(0))); }
void* operator new[](size_t size) { return polyscene::OrThrow(polyscene::New(size, __builtin_return_address(0))); }
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return polyscene::New(size, __builtin_return_address(0));
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return polyscene::New(size, __builtin_return_address(0));
}
void* operator new(size_t size, std::align_val_t alignment) {
  return polyscene::OrThrow(polyscene::NewAligned(size, alignment, __builtin_return_address(0)));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return polyscene::OrThrow(polyscene::NewAligned(size, alignment, __builtin_return_address(0)));
}
void operator delete(void* memory) noexcept { __libc_free(memory); }
void operator delete[](void* memory) noexcept { __libc_free(memory); }
void operator delete(void* memory, size_t) noexcept { __libc_free(memory); }
void operator delete[](void* memory, size_t) noexcept { __libc_free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { __libc_free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { __libc_free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { __libc_free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { __libc_free(memory); }
