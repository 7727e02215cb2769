// An array in memory that grows without moving.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

#include "model/embedding/reserved_memory.h"

namespace polyscene {

// Reserves address space for as many values as the machine's memory could ever hold and lets the system fill it in as
// they are written. So a reader of values that were there when it began is never in the way of the writer.
//
// Threads: one writer; any thread reads values that were handed to it.
template <typename T>
class GrowingArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  GrowingArray() : memory_(MostMemory(), kLeastBytes), data_(static_cast<T*>(memory_.data())) {}
  GrowingArray(const GrowingArray&) = delete;
  GrowingArray& operator=(const GrowingArray&) = delete;

  int64_t size() const { return size_; }
  const T& operator[](int64_t index) const { return data_[index]; }
  const T* data() const { return data_; }  // Stays where it is.

  // Makes values up to index size - 1 usable; new ones are zero. Throws std::bad_alloc where address space is spent.
  void Reserve(int64_t size) {
    if (size * static_cast<int64_t>(sizeof(T)) > memory_.bytes()) throw std::bad_alloc();
    size_ = std::max(size_, size);
  }

  void Set(int64_t index, T value) { data_[index] = value; }  // Below size(). The writer alone.
  // Likewise; ranges that do not overlap.
  void Copy(int64_t from, int64_t to, int64_t count) { std::memcpy(data_ + to, data_ + from, count * sizeof(T)); }

 private:
  static constexpr int64_t kLeastBytes = int64_t{1} << 20;

  const ReservedMemory memory_;
  int64_t size_ = 0;
  T* const data_;
};

}  // namespace polyscene
