// Work that a device does again and again on the same memory, asked for at once instead of operation by operation.
#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>
#include <string>

namespace polyscene {

// Within a DeviceQueue::Use, the same one for all that it records, of which one runs at a time: they share memory.
class WorkRecorder {
 public:
  virtual ~WorkRecorder() = default;

  // Returns what does `work` again; it lives no longer than the recorder. `work` reads and writes memory that stays
  // where it is, copies nothing between host and device, and waits for nothing. It may be done once here.
  virtual std::function<void()> Record(std::function<void()> work) = 0;
};

// Records CUDA graphs on a GPU, if this was built with a LibTorch for CUDA. Else `work` itself is what does it again.
std::unique_ptr<WorkRecorder> CreateWorkRecorder(torch::Device device);

// Which of the two, for people: "CUDA graphs", "no graphs".
std::string DescribeWorkRecorder(torch::Device device);

}  // namespace polyscene
