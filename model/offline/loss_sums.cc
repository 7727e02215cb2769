#include "model/offline/loss_sums.h"

#include <cmath>
#include <limits>

namespace polyscene {

LossSums::LossSums(const ModelSpec& spec) : sums_(spec.tasks().size()), rows_(spec.tasks().size()) {
  for (const TaskSpec& task : spec.tasks()) {
    weights_.push_back(task.weight);
    learned_.push_back(!task.evaluate_only);
  }
}

void LossSums::Add(const std::vector<double>& task_losses, const std::vector<TaskLabels>& labels) {
  for (size_t t = 0; t < sums_.size(); ++t) {
    if (labels[t].weighted == 0 || !learned_[t]) continue;
    const double rows = static_cast<double>(labels[t].weighted);
    sums_[t] += task_losses[t] * rows;
    rows_[t] += rows;
  }
}

std::vector<double> LossSums::Means() const {
  std::vector<double> means;
  for (size_t t = 0; t < sums_.size(); ++t) {
    means.push_back(rows_[t] > 0 ? sums_[t] / rows_[t] : std::numeric_limits<double>::quiet_NaN());
  }
  return means;
}

double LossSums::Joint() const {
  double joint = std::numeric_limits<double>::quiet_NaN();
  for (size_t t = 0; t < sums_.size(); ++t) {
    if (rows_[t] > 0) joint = (std::isnan(joint) ? 0 : joint) + weights_[t] * sums_[t] / rows_[t];
  }
  return joint;
}

}  // namespace polyscene
