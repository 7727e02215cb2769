// A queue of work on a device, beside the one that the trainer's work goes to.
#pragma once

#include <c10/core/Stream.h>
#include <c10/core/StreamGuard.h>
#include <torch/types.h>

namespace polyscene {

// On a GPU a stream, which goes before the default one, where the trainer's steps and page copies are; on the CPU work
// is done when it is asked for, and nothing is ever waited for. One thread at a time.
class DeviceQueue {
 public:
  explicit DeviceQueue(torch::Device device);

  // While it lives, what its thread asks LibTorch for goes into the queue.
  class Use {
   public:
    explicit Use(const DeviceQueue& queue) : guard_(queue.stream_) {}

   private:
    c10::StreamGuard guard_;
  };

  void Wait() const { stream_.synchronize(); }  // Until all that went into it is done.

 private:
  c10::Stream stream_;
};

// Waits for what this thread asked of the device outside of any queue: then queues may read what it wrote.
void WaitForOwnWork(torch::Device device);

}  // namespace polyscene
