#include "model/loss/row_loss.h"

#include <algorithm>
#include <cmath>

namespace polyscene {
namespace {

double Log(double value) { return std::log(std::max(value, std::exp(-16.0))); }

double ErrorLoss(const TaskSpec& task, double scale, double score, double label) {
  if (task.poisson) return score - label + (label > 0 ? label * (std::log(label) - Log(score)) : 0);
  if (task.quantile > 0) return (label - score) / scale * (task.quantile - (label < score ? 1 : 0));
  const double error = std::abs(score - label) / scale;
  if (task.huber && error > task.huber_delta) return task.huber_delta * (error - task.huber_delta / 2);
  return task.huber ? error * error / 2 : error * error;
}

}  // namespace

double RowLoss(const TaskSpec& task, const LabelScale& scale, absl::Span<const float> score,
               absl::Span<const float> label) {
  switch (task.kind) {
    case TaskSpec::Kind::kBinary: {
      const double of_true = label[0] > 0.5f ? score[0] : 1.0 - score[0];
      const double loss = -Log(of_true);
      return task.focal_gamma > 0 ? loss * std::pow(1 - of_true, task.focal_gamma) : loss;
    }
    case TaskSpec::Kind::kMultiClass:
      return -Log(score[static_cast<size_t>(label[0])]);
    case TaskSpec::Kind::kRegression:
    case TaskSpec::Kind::kForecast:
      break;
  }
  double sum = 0;
  for (int i = 0; i < task.outputs; ++i) sum += ErrorLoss(task, scale.scale, score[i], label[i]);
  return sum / task.outputs;
}

}  // namespace polyscene
