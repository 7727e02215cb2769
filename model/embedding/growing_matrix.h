// A matrix in device memory whose row count grows.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace polyscene {

// On the CPU it reserves address space once and lets the system fill it in as rows are touched, so growing moves
// nothing and costs nothing. On a GPU it doubles into a new tensor; handles taken before keep the old one, and what it
// held then, alive.
//
// Threads: one writer. tensor() handles may be read by any thread, each where the writer does not write.
class GrowingMatrix {
 public:
  GrowingMatrix(int64_t columns, torch::Device device);

  // Makes at least `rows` rows usable; new ones are zero. Throws std::bad_alloc where the memory is not there.
  void Reserve(int64_t rows);

  const torch::Tensor& tensor() const { return tensor_; }  // [>= reserved rows, columns] float32.
  float* data() const { return data_; }                    // On the CPU, else null.
  int64_t columns() const { return columns_; }

 private:
  const int64_t columns_;
  const torch::Device device_;
  int64_t capacity_ = 0;
  torch::Tensor tensor_;
  float* data_ = nullptr;
};

}  // namespace polyscene
