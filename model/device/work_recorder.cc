// Where LibTorch knows no CUDA graphs; cuda_graphs.cc stands in its place where it does.
#include "model/device/work_recorder.h"

#include "model/device/repeated_work.h"

namespace polyscene {

std::unique_ptr<WorkRecorder> CreateWorkRecorder(torch::Device /*device*/) { return std::make_unique<RepeatedWork>(); }

std::string DescribeWorkRecorder(torch::Device /*device*/) { return "no graphs"; }

}  // namespace polyscene
