#include "model/device/staging.h"

#include <torch/torch.h>

namespace polyscene {

void Staging::Begin(int64_t bytes) {
  used_ = 0;
  const int64_t capacity = host_.defined() ? host_.size(0) : 0;
  if (host_.defined() && bytes <= capacity) return;
  const auto options = torch::TensorOptions().dtype(torch::kUInt8);
  const int64_t larger = std::max(bytes, 2 * capacity);
  // Both or none: where one fails the next batch finds what was there.
  torch::Tensor host = torch::empty({larger}, options.pinned_memory(device_.is_cuda()));
  on_device_ = torch::empty({larger}, options.device(device_));
  host_ = std::move(host);
}

int64_t Staging::Take(int64_t bytes) {
  const int64_t offset = used_;
  used_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  TORCH_INTERNAL_ASSERT(used_ <= host_.size(0), "staging: ", used_, " bytes, but room for ", host_.size(0));
  return offset;
}

void Staging::Send() { on_device_.narrow(0, 0, used_).copy_(host_.narrow(0, 0, used_), /*non_blocking=*/true); }

}  // namespace polyscene
