#include "model/device/device_lane.h"

#include <torch/torch.h>

#include <algorithm>

#include "absl/status/status.h"
#include "model/tensor/catch_torch.h"

namespace polyscene {

DeviceLane::DeviceLane(const DevicePlan& plan)
    : plan_(plan), queue_(plan.device()), inputs_of_batch_(plan.spec(), plan.device()) {
  const c10::InferenceMode inference;
  const DeviceQueue::Use use(queue_);
  const auto on_device = torch::TensorOptions().device(plan.device());
  inputs_of_batch_.Reserve(plan.most_rows());
  // Rows behind those of a batch are computed as well, so they have to be numbers.
  inputs_ = torch::zeros({plan.most_rows(), inputs_of_batch_.width()}, on_device.dtype(plan.arithmetic()));
  logits_ = torch::zeros({plan.most_rows() * plan.most_outputs()}, on_device.dtype(torch::kFloat32));
  fetched_ = torch::zeros(logits_.sizes(),
                          torch::TensorOptions().dtype(torch::kFloat32).pinned_memory(plan.device().is_cuda()));
  weights_ = torch::zeros({plan.network().layout().count()}, on_device.dtype(plan.arithmetic()));
  parameters_ = ViewParameters(plan.network().layout(), weights_);

  recorder_ = CreateWorkRecorder(plan.device());
  const size_t buckets = plan.buckets().size();
  for (size_t scene = 0; scene < plan.spec().scenes().size(); ++scene) forwards_.emplace_back(buckets);
  // The largest first: what it needs is enough for all others.
  for (size_t bucket = buckets; bucket-- > 0;) {
    for (size_t scene = 0; scene < forwards_.size(); ++scene) Record(static_cast<int>(scene), bucket);
  }
  queue_.Wait();
}

void DeviceLane::Record(int scene, size_t bucket) {
  scene_ = scene;
  const int64_t rows = plan_.buckets()[bucket];
  const torch::Tensor inputs = inputs_.narrow(0, 0, rows);
  const torch::Tensor logits = Logits(rows);
  forwards_[scene][bucket] =
      recorder_->Record([this, scene, inputs, logits] { plan_.Forward(parameters_, scene, inputs, logits); });
}

torch::Tensor DeviceLane::Logits(int64_t rows) const {
  const int64_t outputs = plan_.outputs(scene_);
  return logits_.narrow(0, 0, rows * outputs).view({rows, outputs});
}

void DeviceLane::Begin(const DeviceWeights& weights, int scene, const EncodedBatch& batch) {
  of_batch_ = weights;
  scene_ = scene;
  rows_left_ = batch.rows;
  inputs_of_batch_.Begin(batch);
}

int64_t DeviceLane::StageNext() {
  rows_ = std::min(rows_left_, plan_.most_rows());
  rows_left_ -= rows_;
  if (rows_ == 0) return 0;
  const c10::InferenceMode inference;
  const DeviceQueue::Use use(queue_);
  inputs_of_batch_.Stage(*of_batch_.tables, rows_);
  return rows_;
}

void DeviceLane::Send() {
  waited_ = false;
  const c10::InferenceMode inference;
  const DeviceQueue::Use use(queue_);
  if (!Has(of_batch_)) {
    dense_ = torch::Tensor();  // Should the copy fail, these are nobody's weights.
    weights_.copy_(of_batch_.dense);
    dense_ = of_batch_.dense;
  }
  inputs_of_batch_.Send();
}

void DeviceLane::Compute() {
  const c10::InferenceMode inference;
  const DeviceQueue::Use use(queue_);
  inputs_of_batch_.Assemble(*of_batch_.tables, plan_.network().Attention(*of_batch_.parameters), inputs_);
  const std::vector<int64_t>& buckets = plan_.buckets();
  const auto bucket = std::lower_bound(buckets.begin(), buckets.end(), rows_) - buckets.begin();
  forwards_[scene_][bucket]();
}

void DeviceLane::Fetch() {
  const c10::InferenceMode inference;
  const DeviceQueue::Use use(queue_);
  const int64_t count = rows_ * plan_.outputs(scene_);
  fetched_.narrow(0, 0, count).copy_(logits_.narrow(0, 0, count), /*non_blocking=*/true);
}

void DeviceLane::Settle() noexcept {
  if (waited_) return;
  waited_ = true;
  static_cast<void>(CatchTorch("device", [this] {
    queue_.Wait();
    return absl::OkStatus();
  }));
}

absl::Span<const float> DeviceLane::Wait() {
  queue_.Wait();
  waited_ = true;
  return {fetched_.data_ptr<float>(), static_cast<size_t>(rows_ * plan_.outputs(scene_))};
}

}  // namespace polyscene
