// Memory straight from the system, that is there as it is touched.
#pragma once

#include <cstdint>

namespace polyscene {

// Zeros. From a megabyte on they are asked for in huge pages where the system has them to give: rows are met in no
// order, and with small pages half of that time goes into finding where memory is.
//
// Threads: those of its user.
class ReservedMemory {
 public:
  // Throws std::bad_alloc. Where the system limits address space, less is taken, down to `at_least`.
  explicit ReservedMemory(int64_t bytes) : ReservedMemory(bytes, bytes) {}
  ReservedMemory(int64_t bytes, int64_t at_least);
  ~ReservedMemory();
  ReservedMemory(const ReservedMemory&) = delete;
  ReservedMemory& operator=(const ReservedMemory&) = delete;

  void* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_;
  void* data_ = nullptr;
};

// As much address space as the machine's memory could ever fill, for what grows without moving.
int64_t MostMemory();

}  // namespace polyscene
