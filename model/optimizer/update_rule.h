// How one step's gradient becomes a change of the dense weights: what sets the dense optimizers apart.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace polyscene {

// What multiplies a rule's learning rate in one step.
struct RateFactors {
  double step = 1;          // Of the schedule, for all weights.
  torch::Tensor by_weight;  // [n]; undefined: 1 for each.

  // `change` [n], each element times its weight's own factor.
  torch::Tensor Scaled(const torch::Tensor& change) const { return by_weight.defined() ? change * by_weight : change; }
};

// Threads: one, the trainer.
class UpdateRule {
 public:
  virtual ~UpdateRule() = default;

  // One update of `weights` [n] by `gradient` [n], in place. `step`: number of this update, from 1.
  virtual void Update(torch::Tensor& weights, const torch::Tensor& gradient, const RateFactors& rates,
                      uint64_t step) = 0;

  // What it remembers from step to step, by name: [n] each, shared with the rule, zero at the start. Equal names mean
  // equal things, whatever the rule.
  virtual std::vector<std::pair<std::string, torch::Tensor>> state() const = 0;
};

}  // namespace polyscene
