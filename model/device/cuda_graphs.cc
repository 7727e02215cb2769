// CUDA graphs: the only file that needs CUDA's headers. Everything else of a GPU goes through LibTorch's own
// interfaces.
#include <ATen/cuda/CUDAGraph.h>

#include "model/device/device_queue.h"
#include "model/device/repeated_work.h"
#include "model/device/work_recorder.h"

namespace polyscene {
namespace {

class CudaGraphs : public WorkRecorder {
 public:
  explicit CudaGraphs(torch::Device device) : device_(device) {}

  std::function<void()> Record(std::function<void()> work) override {
    // What operations make on their first use, such as the workspace of cuBLAS, cannot be made while recording.
    work();
    WaitForOwnWork(device_);
    auto graph = std::make_shared<at::cuda::CUDAGraph>();
    // Of this thread alone: the trainer may ask for memory meanwhile.
    graph->capture_begin(memory_, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      graph->capture_end();
      throw;
    }
    graph->capture_end();
    return [graph] { graph->replay(); };
  }

 private:
  const torch::Device device_;
  const decltype(at::cuda::graph_pool_handle()) memory_ = at::cuda::graph_pool_handle();
};

}  // namespace

std::unique_ptr<WorkRecorder> CreateWorkRecorder(torch::Device device) {
  if (device.is_cuda()) return std::make_unique<CudaGraphs>(device);
  return std::make_unique<RepeatedWork>();
}

std::string DescribeWorkRecorder(torch::Device device) { return device.is_cuda() ? "CUDA graphs" : "no graphs"; }

}  // namespace polyscene
