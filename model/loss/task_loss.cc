#include "model/loss/task_loss.h"

#include <torch/torch.h>

#include <cmath>

namespace polyscene {
namespace {

bool IsRegression(const TaskSpec& task) {
  return task.kind == TaskSpec::Kind::kRegression || task.kind == TaskSpec::Kind::kForecast;
}

// One loss a row: [n].
torch::Tensor RowLosses(const TaskSpec& task, const torch::Tensor& logits, const torch::Tensor& labels) {
  switch (task.kind) {
    case TaskSpec::Kind::kBinary:
      return torch::binary_cross_entropy_with_logits(logits, labels, {}, {}, at::Reduction::None).squeeze(1);
    case TaskSpec::Kind::kMultiClass:
      return torch::nll_loss(logits.log_softmax(1), labels.squeeze(1).to(torch::kInt64), {}, at::Reduction::None);
    case TaskSpec::Kind::kRegression:
    case TaskSpec::Kind::kForecast:
      break;
  }
  const torch::Tensor losses = task.huber ? torch::huber_loss(logits, labels, at::Reduction::None, task.huber_delta)
                                          : torch::mse_loss(logits, labels, at::Reduction::None);
  return task.outputs == 1 ? losses.squeeze(1) : losses.mean(1);
}

}  // namespace

torch::Tensor TaskLoss(const TaskSpec& task, const torch::Tensor& logits, const torch::Tensor& labels,
                       const torch::Tensor& weights, int64_t labelled) {
  return RowLosses(task, logits, labels).dot(weights) / static_cast<double>(labelled);
}

float EvaluatedLabel(const TaskSpec& task, float label) {
  return task.log1p ? static_cast<float>(std::log1p(static_cast<double>(label))) : label;
}

float TransformLabel(const TaskSpec& task, float label) {
  if (!IsRegression(task)) return label;
  return static_cast<float>((EvaluatedLabel(task, label) - task.center) / task.scale);
}

torch::Tensor EvaluatedScores(const TaskSpec& task, const torch::Tensor& logits) {
  switch (task.kind) {
    case TaskSpec::Kind::kBinary:
      return logits.sigmoid();
    case TaskSpec::Kind::kMultiClass:
      return logits.softmax(1);
    case TaskSpec::Kind::kRegression:
    case TaskSpec::Kind::kForecast:
      break;
  }
  return logits * task.scale + task.center;
}

torch::Tensor ServedScores(const TaskSpec& task, const torch::Tensor& logits) {
  const torch::Tensor scores = EvaluatedScores(task, logits);
  // No label of a log1p task is below 0, so no score is either.
  return IsRegression(task) && task.log1p ? scores.expm1().clamp_min(0) : scores;
}

}  // namespace polyscene
