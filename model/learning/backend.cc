// Which device, and what LibTorch runs on.
#include <dlfcn.h>
#include <torch/torch.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "model/learning/learner.h"
#include "model/learning/torch_learner.h"
#include "model/tensor/catch_torch.h"

namespace polyscene {
namespace {

// The library that the process's matrix products really come from.
std::string BlasLibrary() {
  void* gemm = dlsym(RTLD_DEFAULT, "sgemm_");
  Dl_info info;
  if (gemm == nullptr || dladdr(gemm, &info) == 0 || info.dli_fname == nullptr) return "built in";
  // "libblas.so.3" is a link to one of several.
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(info.dli_fname, error);
  return error ? info.dli_fname : path.string();
}

std::string InstructionSets() {
#if defined(__x86_64__)
  std::string sets = "x86-64";
  if (__builtin_cpu_supports("avx2")) sets += " avx2";
  if (__builtin_cpu_supports("avx512f")) sets += " avx512";
  return sets;
#else
  return "not x86-64";
#endif
}

}  // namespace

absl::StatusOr<std::string> ResolveDevice(const std::string& device) {
  const int gpus = torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
  if (device == "cpu") return device;
  if (device.empty() || device == "auto") return std::string(gpus > 0 ? "cuda:0" : "cpu");
  absl::string_view number = device;
  int index = 0;
  if (device != "cuda" && (!absl::ConsumePrefix(&number, "cuda:") || !absl::SimpleAtoi(number, &index) || index < 0)) {
    return absl::InvalidArgumentError(absl::StrCat("device: got '", device, "', expected auto, cpu or cuda:N"));
  }
  if (index >= gpus) {
    return absl::InvalidArgumentError(absl::StrCat("device: got '", device, "', but LibTorch sees ", gpus, " GPUs"));
  }
  return absl::StrCat("cuda:", index);
}

std::string DescribeBackend() {
  const std::string blas = BlasLibrary();
  std::string text = absl::StrCat("LibTorch ", TORCH_VERSION, ", BLAS ", blas, ", processor ", InstructionSets());
  const bool reference = !absl::StrContains(blas, "openblas") && !absl::StrContains(blas, "mkl") &&
                         !absl::StrContains(blas, "blis") && blas != "built in" && !absl::StrContains(blas, "torch");
  if (reference) {
    absl::StrAppend(
        &text, " (WARNING: this looks like the reference BLAS, about 20 times slower: install libopenblas0-openmp)");
  } else if (absl::StrContains(blas, "pthread")) {
    absl::StrAppend(
        &text, " (WARNING: this variant ignores thread limits and delays requests: install libopenblas0-openmp alone)");
  }
  return text;
}

absl::StatusOr<std::unique_ptr<Learner>> CreateLearner(std::shared_ptr<const ModelSpec> spec, LearnerOptions options) {
  return CatchTorch("learner", [&]() -> std::unique_ptr<Learner> {
    return std::make_unique<TorchLearner>(std::move(spec), std::move(options));
  });
}

absl::StatusOr<std::unique_ptr<OfflineLearner>> CreateOfflineLearner(std::shared_ptr<const ModelSpec> spec,
                                                                     LearnerOptions options) {
  return CatchTorch("learner", [&]() -> std::unique_ptr<OfflineLearner> {
    return std::make_unique<TorchLearner>(std::move(spec), std::move(options));
  });
}

}  // namespace polyscene
