#include "model/loss/label_loss.h"

#include <torch/torch.h>

#include <vector>

#include "model/loss/task_loss.h"

namespace polyscene {
namespace {

torch::Tensor FloatTensor(const std::vector<float>& values, at::IntArrayRef sizes, torch::Device device) {
  // Copied: autograd keeps it, and the vector is refilled by the next step.
  return torch::from_blob(const_cast<float*>(values.data()), sizes).clone().to(device);
}

}  // namespace

torch::Tensor LabelLoss(const TaskSpec& task, const LabelScale& scale, const TaskLabels& labels,
                        const torch::Tensor& rows, const torch::Tensor& logits) {
  std::vector<float> transformed(labels.values.size(), 0.0f);
  for (const int64_t row : labels.labelled) {
    for (int64_t i = row * task.label_width; i < (row + 1) * task.label_width; ++i) {
      transformed[i] = TransformLabel(task, scale, labels.values[i]);
    }
  }
  const int64_t count = static_cast<int64_t>(labels.weights.size());
  torch::Tensor values = FloatTensor(transformed, {count, task.label_width}, logits.device());
  torch::Tensor weights = FloatTensor(labels.weights, {count}, logits.device());
  if (rows.defined()) {
    const torch::Tensor index = rows.to(logits.device());
    values = values.index_select(0, index);
    weights = weights.index_select(0, index);
  }
  return TaskLoss(task, logits, values, weights, labels.weighted);
}

}  // namespace polyscene
