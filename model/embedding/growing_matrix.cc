#include "model/embedding/growing_matrix.h"

#include <torch/torch.h>

#include <algorithm>
#include <memory>
#include <new>

#include "model/embedding/reserved_memory.h"

namespace polyscene {
namespace {

constexpr int64_t kFirstRowsOnGpu = 4096;
constexpr int64_t kLeastBytes = int64_t{1} << 20;

}  // namespace

GrowingMatrix::GrowingMatrix(int64_t columns, torch::Device device) : columns_(columns), device_(device) {
  const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(device);
  if (!device.is_cpu()) {
    tensor_ = torch::zeros({0, columns}, options);
    return;
  }
  const auto memory = std::make_shared<ReservedMemory>(MostMemory(), kLeastBytes);
  capacity_ = memory->bytes() / static_cast<int64_t>(sizeof(float)) / columns;
  data_ = static_cast<float*>(memory->data());
  tensor_ = torch::from_blob(
      data_, {capacity_, columns}, [memory](void*) {}, options);
}

void GrowingMatrix::Reserve(int64_t rows) {
  if (rows <= capacity_) return;
  if (device_.is_cpu()) throw std::bad_alloc();
  const int64_t capacity = std::max({rows, 2 * capacity_, kFirstRowsOnGpu});
  torch::Tensor larger = torch::zeros({capacity, columns_}, tensor_.options());
  larger.narrow(0, 0, capacity_).copy_(tensor_);
  tensor_ = std::move(larger);
  capacity_ = capacity;
}

}  // namespace polyscene
