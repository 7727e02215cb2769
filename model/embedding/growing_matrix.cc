#include "model/embedding/growing_matrix.h"

#include <sys/mman.h>
#include <torch/torch.h>
#include <unistd.h>

#include <algorithm>
#include <new>

namespace polyscene {
namespace {

constexpr int64_t kFirstRowsOnGpu = 4096;

}  // namespace

GrowingMatrix::GrowingMatrix(int64_t columns, torch::Device device) : columns_(columns), device_(device) {
  const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(device);
  if (!device.is_cpu()) {
    tensor_ = torch::zeros({0, columns}, options);
    return;
  }
  // Address space for as much as the machine could ever hold; only touched pages become memory. Where the system limits
  // address space, less is taken.
  int64_t bytes = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  void* region = MAP_FAILED;
  for (; bytes >= (int64_t{1} << 20); bytes /= 2) {
    region = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region != MAP_FAILED) break;
  }
  if (region == MAP_FAILED) throw std::bad_alloc();
  capacity_ = bytes / static_cast<int64_t>(sizeof(float)) / columns;
  data_ = static_cast<float*>(region);
  tensor_ = torch::from_blob(
      region, {capacity_, columns}, [bytes](void* p) { munmap(p, bytes); }, options);
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
