#include "model/balance/grad_norm.h"

#include <cmath>
#include <numeric>

namespace polyscene {
namespace {

double Mean(absl::Span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::vector<double> GradNormGradient(absl::Span<const double> weighted, absl::Span<const double> slowness,
                                     double alpha) {
  const double mean = Mean(weighted);
  std::vector<double> gradient;
  for (size_t i = 0; i < weighted.size(); ++i) {
    const double excess = weighted[i] - mean * std::pow(slowness[i], alpha);
    gradient.push_back(excess == 0 ? 0 : std::copysign(weighted[i] / mean, excess));
  }
  return gradient;
}

GradNorm::GradNorm(const v1::GradNorm& options, size_t tasks)
    : alpha_(options.alpha()),
      rate_(options.learning_rate()),
      every_steps_(static_cast<uint64_t>(options.every_steps())),
      weights_(tasks, 1.0),
      first_losses_(tasks),
      loss_sums_(tasks),
      loss_steps_(tasks) {}

void GradNorm::Update(uint64_t step, absl::Span<const double> losses, absl::Span<const double> norms) {
  for (size_t t = 0; t < weights_.size(); ++t) {
    if (!(losses[t] > 0)) continue;
    loss_sums_[t] += losses[t];
    loss_steps_[t] += 1;
  }
  if (TakesNorms(step)) MoveWeights(norms);
}

void GradNorm::MoveWeights(absl::Span<const double> norms) {
  std::vector<size_t> tasks;  // That have a gradient now, and losses to tell their slowness by.
  std::vector<double> weighted;
  std::vector<double> slowness;
  for (size_t t = 0; t < weights_.size(); ++t) {
    if (!(norms[t] > 0) || loss_steps_[t] == 0) continue;
    const double loss = loss_sums_[t] / loss_steps_[t];
    if (first_losses_[t] == 0) first_losses_[t] = loss;
    loss_sums_[t] = loss_steps_[t] = 0;
    tasks.push_back(t);
    weighted.push_back(weights_[t] * norms[t]);
    slowness.push_back(loss / first_losses_[t]);
  }
  if (tasks.size() < 2) return;
  const double mean_slowness = Mean(slowness);
  for (double& share : slowness) share /= mean_slowness;

  const std::vector<double> gradient = GradNormGradient(weighted, slowness, alpha_);
  double before = 0;
  double after = 0;
  for (size_t i = 0; i < tasks.size(); ++i) {
    double& weight = weights_[tasks[i]];
    before += weight;
    weight *= std::exp(-rate_ * gradient[i]);
    after += weight;
  }
  for (const size_t t : tasks) weights_[t] *= before / after;
}

std::vector<TaskNumbers> GradNorm::State() {
  return {{"grad_norm.weights", &weights_},
          {"grad_norm.first_losses", &first_losses_},
          {"grad_norm.loss_sums", &loss_sums_},
          {"grad_norm.loss_steps", &loss_steps_}};
}

}  // namespace polyscene
