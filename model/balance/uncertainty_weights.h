// Each loss weighed by how certain the task is, which is learned beside the network. Kendall, Gal and Cipolla,
// "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and Semantics", CVPR 2018.
//
// With s the logarithm of a task's noise variance, its part of the joint loss is c exp(-s) L + s / 2, c = 1 for
// likelihoods of classes and counts and 1/2 for squared errors. So s settles where exp(s) = 2 c L: a regression's mean
// squared error, twice a classification's cross-entropy. The s move by Adam, apart from the network's optimizer,
// because its steps are bounded whatever scale the losses have.
#pragma once

#include "model/balance/loss_balance.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

// c of each task: [tasks].
std::vector<double> LikelihoodFactors(const std::vector<TaskSpec>& tasks);

// The derivative of c exp(-s) L + s / 2 by s.
double UncertaintyGradient(double factor, double loss, double s);

class UncertaintyWeights : public LossBalance {
 public:
  // factors: [tasks] c of each.
  UncertaintyWeights(const v1::UncertaintyWeights& options, std::vector<double> factors);

  std::vector<double> Weights() const override;  // c exp(-s)
  void Update(uint64_t step, absl::Span<const double> losses, absl::Span<const double> norms) override;
  std::vector<TaskNumbers> State() override;

 private:
  const double rate_;
  const std::vector<double> factors_;
  // [tasks] each.
  std::vector<double> s_;
  std::vector<double> mean_;  // Adam's moments of s's gradient,
  std::vector<double> variance_;
  std::vector<double> updates_;  // and how many it had: a task without labels in a step has none.
};

}  // namespace polyscene
