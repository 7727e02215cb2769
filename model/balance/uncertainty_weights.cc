#include "model/balance/uncertainty_weights.h"

#include <algorithm>
#include <cmath>

namespace polyscene {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;
// A loss that goes to 0 would send its weight to infinity: exp(-s) stays within 1e-4 and 1e4.
constexpr double kMostS = 9.21;

}  // namespace

std::vector<double> LikelihoodFactors(const std::vector<TaskSpec>& tasks) {
  std::vector<double> factors;
  for (const TaskSpec& task : tasks) {
    const bool regression = task.kind == TaskSpec::Kind::kRegression || task.kind == TaskSpec::Kind::kForecast;
    factors.push_back(regression && !task.poisson && task.quantile == 0 ? 0.5 : 1.0);
  }
  return factors;
}

double UncertaintyGradient(double factor, double loss, double s) { return 0.5 - factor * loss * std::exp(-s); }

UncertaintyWeights::UncertaintyWeights(const v1::UncertaintyWeights& options, std::vector<double> factors)
    : rate_(options.learning_rate()),
      factors_(std::move(factors)),
      s_(factors_.size()),
      mean_(factors_.size()),
      variance_(factors_.size()),
      updates_(factors_.size()) {}

std::vector<double> UncertaintyWeights::Weights() const {
  std::vector<double> weights;
  for (size_t t = 0; t < s_.size(); ++t) weights.push_back(factors_[t] * std::exp(-s_[t]));
  return weights;
}

void UncertaintyWeights::Update(uint64_t /*step*/, absl::Span<const double> losses,
                                absl::Span<const double> /*norms*/) {
  for (size_t t = 0; t < s_.size(); ++t) {
    if (!(losses[t] > 0)) continue;
    const double gradient = UncertaintyGradient(factors_[t], losses[t], s_[t]);
    updates_[t] += 1;
    mean_[t] = kBeta1 * mean_[t] + (1 - kBeta1) * gradient;
    variance_[t] = kBeta2 * variance_[t] + (1 - kBeta2) * gradient * gradient;
    const double mean = mean_[t] / (1 - std::pow(kBeta1, updates_[t]));
    const double deviation = std::sqrt(variance_[t] / (1 - std::pow(kBeta2, updates_[t])));
    s_[t] = std::clamp(s_[t] - rate_ * mean / (deviation + kEpsilon), -kMostS, kMostS);
  }
}

std::vector<TaskNumbers> UncertaintyWeights::State() {
  return {{"uncertainty.s", &s_},
          {"uncertainty.mean", &mean_},
          {"uncertainty.variance", &variance_},
          {"uncertainty.updates", &updates_}};
}

}  // namespace polyscene
