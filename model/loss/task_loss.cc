#include "model/loss/task_loss.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

namespace polyscene {
namespace {

bool IsRegression(const TaskSpec& task) {
  return task.kind == TaskSpec::Kind::kRegression || task.kind == TaskSpec::Kind::kForecast;
}

constexpr double kMostTransformed = 1e6;  // As model/feature/label_check.cc lets labels in.

// s z, s = 1 for a positive and -1 for a negative: the logit of the true label. (1 - p)^gamma by way of its logarithm,
// whose gradient is finite where 1 - p underflows.
torch::Tensor FocalLosses(const torch::Tensor& logits, const torch::Tensor& labels, double gamma) {
  const torch::Tensor of_true = logits * (labels * 2 - 1);
  return -torch::log_sigmoid(of_true) * (torch::log_sigmoid(-of_true) * gamma).exp();
}

torch::Tensor PoissonLosses(const torch::Tensor& logits, const torch::Tensor& labels) {
  const torch::Tensor within = logits.clamp_max(kMostPoissonLogit);
  const torch::Tensor beyond = (logits - within) * std::exp(kMostPoissonLogit);
  return within.exp() + beyond - labels * logits + (torch::xlogy(labels, labels) - labels);
}

torch::Tensor RegressionLosses(const TaskSpec& task, const torch::Tensor& logits, const torch::Tensor& labels) {
  if (task.poisson) return PoissonLosses(logits, labels);
  if (task.quantile > 0) {
    const torch::Tensor missed = labels - logits;
    return torch::max(missed * task.quantile, missed * (task.quantile - 1));
  }
  if (task.huber) return torch::huber_loss(logits, labels, at::Reduction::None, task.huber_delta);
  return torch::mse_loss(logits, labels, at::Reduction::None);
}

// One loss a row: [n].
torch::Tensor RowLosses(const TaskSpec& task, const torch::Tensor& logits, const torch::Tensor& labels) {
  switch (task.kind) {
    case TaskSpec::Kind::kBinary:
      if (task.focal_gamma > 0) return FocalLosses(logits, labels, task.focal_gamma).squeeze(1);
      return torch::binary_cross_entropy_with_logits(logits, labels, {}, {}, at::Reduction::None).squeeze(1);
    case TaskSpec::Kind::kMultiClass:
      return torch::nll_loss(logits.log_softmax(1), labels.squeeze(1).to(torch::kInt64), {}, at::Reduction::None);
    case TaskSpec::Kind::kRegression:
    case TaskSpec::Kind::kForecast:
      break;
  }
  const torch::Tensor losses = RegressionLosses(task, logits, labels);
  return task.outputs == 1 ? losses.squeeze(1) : losses.mean(1);
}

}  // namespace

torch::Tensor TaskLoss(const TaskSpec& task, const torch::Tensor& logits, const torch::Tensor& labels,
                       const torch::Tensor& weights, int64_t labelled) {
  return RowLosses(task, logits, labels).dot(weights) / static_cast<double>(labelled);
}

float TransformLabel(const TaskSpec& task, const LabelScale& scale, float label) {
  if (!IsRegression(task)) return label;
  const double transformed = (EvaluatedLabel(task, label) - scale.center) / scale.scale;
  if (!task.standardize) return static_cast<float>(transformed);  // Labels too far off its scale are refused.
  return static_cast<float>(std::clamp(transformed, -kMostTransformed, kMostTransformed));
}

torch::Tensor EvaluatedScores(const TaskSpec& task, const LabelScale& scale, const torch::Tensor& logits) {
  switch (task.kind) {
    case TaskSpec::Kind::kBinary:
      return logits.sigmoid();
    case TaskSpec::Kind::kMultiClass:
      return logits.softmax(1);
    case TaskSpec::Kind::kRegression:
    case TaskSpec::Kind::kForecast:
      break;
  }
  if (task.poisson) return logits.clamp_max(kMostPoissonLogit).exp();
  return logits * scale.scale + scale.center;
}

torch::Tensor ServedScores(const TaskSpec& task, const LabelScale& scale, const torch::Tensor& logits) {
  const torch::Tensor scores = EvaluatedScores(task, scale, logits);
  // No label of a log1p task is below 0, so no score is either.
  return IsRegression(task) && task.log1p ? scores.expm1().clamp_min(0) : scores;
}

}  // namespace polyscene
