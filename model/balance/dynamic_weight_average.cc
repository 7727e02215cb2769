#include "model/balance/dynamic_weight_average.h"

#include <algorithm>
#include <cmath>

namespace polyscene {

DynamicWeightAverage::DynamicWeightAverage(const v1::DynamicWeightAverage& options, size_t tasks)
    : temperature_(options.temperature()),
      span_steps_(static_cast<uint64_t>(options.span_steps())),
      last_losses_(tasks),
      losses_before_(tasks),
      loss_sums_(tasks),
      loss_steps_(tasks) {}

std::vector<double> DynamicWeightAverage::Weights() const {
  std::vector<double> weights;
  double sum = 0;
  for (size_t t = 0; t < last_losses_.size(); ++t) {
    const double ratio = losses_before_[t] == 0 ? 1 : last_losses_[t] / losses_before_[t];
    // No softmax needs more than this, and its exponential is far from infinity.
    weights.push_back(std::exp(std::min(ratio / temperature_, 100.0)));
    sum += weights.back();
  }
  for (double& weight : weights) weight *= static_cast<double>(weights.size()) / sum;
  return weights;
}

void DynamicWeightAverage::Update(uint64_t step, absl::Span<const double> losses, absl::Span<const double> /*norms*/) {
  for (size_t t = 0; t < last_losses_.size(); ++t) {
    if (losses[t] > 0) {
      loss_sums_[t] += losses[t];
      loss_steps_[t] += 1;
    }
    if (step % span_steps_ != 0 || loss_steps_[t] == 0) continue;
    losses_before_[t] = last_losses_[t];
    last_losses_[t] = loss_sums_[t] / loss_steps_[t];
    loss_sums_[t] = loss_steps_[t] = 0;
  }
}

std::vector<TaskNumbers> DynamicWeightAverage::State() {
  return {{"dynamic_weight_average.last_losses", &last_losses_},
          {"dynamic_weight_average.losses_before", &losses_before_},
          {"dynamic_weight_average.loss_sums", &loss_sums_},
          {"dynamic_weight_average.loss_steps", &loss_steps_}};
}

}  // namespace polyscene
