// On the CPU the compiled forward, where a snapshot has weights for it; on a GPU the recorded one; else LibTorch's, the
// reference that both are tested against.
#include <torch/torch.h>

#include <algorithm>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "model/compiled/compiled_forward.h"
#include "model/device/device_forward.h"
#include "model/feature/encoder.h"
#include "model/feature/label_scale.h"
#include "model/loss/calibrated_logits.h"
#include "model/loss/task_loss.h"
#include "model/network/network.h"
#include "model/serving/predictor.h"
#include "model/serving/ranking.h"
#include "model/serving/torch_snapshot.h"
#include "model/tensor/catch_torch.h"

namespace polyscene {
namespace {

struct RequestRows {
  int64_t begin = 0;
  int64_t end = 0;
};

class TorchPredictor : public Predictor {
 public:
  // on_device: null: it is the CPU, or the device cannot do it: DescribeForward() says why.
  TorchPredictor(std::shared_ptr<const ModelSpec> spec, HashKey key, torch::Device device,
                 std::unique_ptr<DeviceForward> on_device)
      : spec_(std::move(spec)),
        key_(key),
        encoder_(spec_, key),
        network_(CreateNetwork(*spec_, InputWidth(*spec_))),
        device_(device),
        on_device_(std::move(on_device)) {}

  absl::Status ScoreInto(const Snapshot& snapshot, absl::Span<const ScoreRequest> requests,
                         absl::Span<ScoreResult> results) override {
    const auto& torch_snapshot = static_cast<const TorchSnapshot&>(snapshot);
    return CatchTorch("forward", [&]() -> absl::Status {
      // Parallel requests beat threads within one. OpenMP, which counts them, is told once a thread.
      thread_local const bool one_thread = (at::set_num_threads(1), true);
      static_cast<void>(one_thread);
      if (on_device_ != nullptr) {
        const DeviceWeights of_device{torch_snapshot.dense(), &torch_snapshot.parameters(), &torch_snapshot.tables()};
        on_device_->Score({of_device, &torch_snapshot.statistics(), &torch_snapshot.calibrations()}, requests, results);
        return absl::OkStatus();
      }
      if (torch_snapshot.compiled().network == nullptr) {
        ScoreOrThrow(torch_snapshot, requests, results);
        return absl::OkStatus();
      }
      const ServedWeights weights{torch_snapshot.compiled().packed.get(), &torch_snapshot.tables(),
                                  &torch_snapshot.statistics(), &torch_snapshot.calibrations()};
      ForwardOf(torch_snapshot.compiled().network)->Score(weights, requests, results);
      return absl::OkStatus();
    });
  }

 private:
  // The one of the learner whose snapshots come; another learner's snapshots bring another.
  std::shared_ptr<CompiledForward> ForwardOf(const std::shared_ptr<const CompiledNetwork>& network) {
    const std::lock_guard<std::mutex> lock(mu_);
    if (compiled_ == nullptr || &compiled_->network() != network.get()) {
      compiled_ = std::make_shared<CompiledForward>(network, key_);
    }
    return compiled_;
  }
  void ScoreOrThrow(const TorchSnapshot& snapshot, absl::Span<const ScoreRequest> requests,
                    absl::Span<ScoreResult> results) const;
  std::vector<WantedTask> Wanted(absl::Span<const ScoreRequest> requests, const std::vector<RequestRows>& extents,
                                 int64_t rows) const;

  const std::shared_ptr<const ModelSpec> spec_;
  const HashKey key_;
  const FeatureEncoder encoder_;
  const std::unique_ptr<Network> network_;
  const torch::Device device_;
  const std::unique_ptr<DeviceForward> on_device_;  // Null: LibTorch serves, or the CPU.
  std::mutex mu_;
  std::shared_ptr<CompiledForward> compiled_;
};

std::vector<WantedTask> TorchPredictor::Wanted(absl::Span<const ScoreRequest> requests,
                                               const std::vector<RequestRows>& extents, int64_t rows) const {
  std::vector<WantedTask> wanted;
  for (int task = 0; task < static_cast<int>(spec_->tasks().size()); ++task) {
    std::vector<int64_t> task_rows;
    for (size_t i = 0; i < requests.size(); ++i) {
      if (std::find(requests[i].tasks.begin(), requests[i].tasks.end(), task) == requests[i].tasks.end()) continue;
      for (int64_t r = extents[i].begin; r < extents[i].end; ++r) task_rows.push_back(r);
    }
    if (task_rows.empty()) continue;
    WantedTask& want = wanted.emplace_back();
    want.task = task;
    if (static_cast<int64_t>(task_rows.size()) < rows) {
      want.rows = torch::tensor(task_rows, torch::kInt64);
    }
  }
  return wanted;
}

void TorchPredictor::ScoreOrThrow(const TorchSnapshot& snapshot, absl::Span<const ScoreRequest> requests,
                                  absl::Span<ScoreResult> results) const {
  thread_local EncodedBatch batch;  // Per thread, so that a worker's memory is allocated once.
  const c10::InferenceMode inference;

  batch.Clear();
  static const TableView kNoCandidates;
  std::vector<RequestRows> extents;
  for (const ScoreRequest& request : requests) {
    RequestRows& extent = extents.emplace_back();
    extent.begin = batch.rows;
    encoder_.AppendRequest(snapshot.statistics(), request.scene, *request.context,
                           request.candidates != nullptr ? *request.candidates : kNoCandidates, batch);
    extent.end = batch.rows;
  }

  const std::vector<WantedTask> wanted = Wanted(requests, extents, batch.rows);
  const std::vector<torch::Tensor> logits =
      ForwardSnapshot(*network_, snapshot, batch, spec_->dense_width(), device_, wanted);

  std::vector<torch::Tensor> scores(spec_->tasks().size());  // [rows of the task's requests, outputs] on the CPU.
  for (size_t w = 0; w < wanted.size(); ++w) {
    const int task = wanted[w].task;
    const TaskSpec& of_task = spec_->tasks()[task];
    const torch::Tensor calibrated =
        CalibratedLogits(*spec_, snapshot.calibrations(), wanted[w], batch.scenes, logits[w]);
    scores[task] =
        ServedScores(of_task, ScaleOf(of_task, snapshot.statistics()), calibrated).contiguous().to(torch::kCPU);
  }
  std::vector<int64_t> used(spec_->tasks().size(), 0);  // Rows of each task's scores handed out.
  for (size_t i = 0; i < requests.size(); ++i) {
    results[i].rows = extents[i].end - extents[i].begin;
    results[i].tasks.clear();
    for (const int task : requests[i].tasks) {
      ScoredTask& scored = results[i].tasks.emplace_back();
      scored.task = task;
      scored.outputs = spec_->tasks()[task].outputs;
      const float* from = scores[task].data_ptr<float>() + used[task] * scored.outputs;
      scored.values.assign(from, from + results[i].rows * scored.outputs);
      used[task] += results[i].rows;
    }
    FillRanking(spec_->scenes()[requests[i].scene], results[i]);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Predictor>> CreatePredictor(std::shared_ptr<const ModelSpec> spec, HashKey key,
                                                           const std::string& device) {
  return CatchTorch("predictor", [&]() -> absl::StatusOr<std::unique_ptr<Predictor>> {
    const torch::Device place(device);
    std::unique_ptr<DeviceForward> on_device;
    if (!place.is_cpu()) {
      auto made = DeviceForward::Create(spec, key, place);
      // Whoever asked for the device has to know that it is too small.
      if (absl::IsResourceExhausted(made.status())) return made.status();
      if (made.ok()) on_device = *std::move(made);
    }
    return std::make_unique<TorchPredictor>(std::move(spec), key, place, std::move(on_device));
  });
}

namespace {

// By having tried it, small.
std::string DescribeOnDevice(const std::shared_ptr<const ModelSpec>& spec, const std::string& device) {
  DeviceForwardOptions options;
  options.lanes = 1;
  options.buckets = {16};
  const auto on_device = CatchTorch(
      "device", [&] { return DeviceForward::Create(spec, HashKey(), torch::Device(device), std::move(options)); });
  if (!on_device.ok()) return absl::StrCat("LibTorch (", device, ": ", on_device.status().message(), ")");
  return absl::StrCat("LibTorch, ", (*on_device)->Describe());
}

}  // namespace

std::string DescribeForward(const std::shared_ptr<const ModelSpec>& spec, const std::string& device) {
  if (device != "cpu") return DescribeOnDevice(spec, device);
  const auto layout = CatchTorch("network", [&] { return CreateNetwork(*spec, InputWidth(*spec))->layout(); });
  if (!layout.ok()) return absl::StrCat("LibTorch (", layout.status().message(), ")");
  const auto compiled = CompiledNetwork::CreateForServing(spec, *layout);
  if (!compiled.ok()) return absl::StrCat("LibTorch (", compiled.status().message(), ")");
  const bool wants_bfloat16 = spec->file().serving().arithmetic() == v1::Serving::BFLOAT16;
  const absl::string_view arithmetic = (*compiled)->arithmetic() == Arithmetic::kBFloat16 ? "bfloat16"
                                       : wants_bfloat16 ? "float32, for want of bfloat16 instructions"
                                                        : "float32";
  return absl::StrCat("compiled, ", arithmetic, ", ", ProductInstructions((*compiled)->arithmetic()));
}

}  // namespace polyscene
