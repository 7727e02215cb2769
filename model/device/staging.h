// Host memory whose contents go to a device together, in one copy.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "absl/types/span.h"

namespace polyscene {

// Not thread-safe. What may allocate, Begin(), and what goes to the device, Send(), is called within the same
// DeviceQueue's Use.
class Staging {
 public:
  explicit Staging(torch::Device device) : device_(device) {}

  // Numbers that lie side by side in it.
  template <typename T>
  struct Part {
    int64_t offset = 0;  // In bytes.
    int64_t count = 0;
  };
  static constexpr int64_t kAlignment = 64;  // Of a part, in bytes: each takes up to so many more than its numbers.

  // Forgets the parts and makes room for so many bytes. What was sent before is overwritten, so who reads it on the
  // device is done with it.
  void Begin(int64_t bytes);

  // Room for `count` numbers, to be written before Send().
  template <typename T>
  absl::Span<T> Add(int64_t count, Part<T>& part) {
    part = {Take(count * static_cast<int64_t>(sizeof(T))), count};
    return {reinterpret_cast<T*>(host_.data_ptr<uint8_t>() + part.offset), static_cast<size_t>(count)};
  }

  void Send();

  // What was sent, as long as the next Begin() is far: [count] on the device.
  template <typename T>
  torch::Tensor Sent(const Part<T>& part) const {
    return on_device_.narrow(0, part.offset, part.count * static_cast<int64_t>(sizeof(T)))
        .view(c10::CppTypeToScalarType<T>::value);
  }

  int64_t bytes() const { return used_; }  // Of all parts.

 private:
  int64_t Take(int64_t bytes);

  const torch::Device device_;
  torch::Tensor host_;       // [capacity] bytes; pinned where the device is a GPU, so that the copy waits for nobody.
  torch::Tensor on_device_;  // [capacity]
  int64_t used_ = 0;
};

}  // namespace polyscene
