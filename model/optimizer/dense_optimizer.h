// Updates the flat dense weights from their flat gradient, as DenseOptimizer in model.proto says.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/network/parameters.h"
#include "model/optimizer/update_rule.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

// A step goes in this order: the gradient is clipped, over all weights together; the learning rate is multiplied by the
// schedule's factor, and of towers and heads by tower_factor too; then the rule moves the weights, AdamW's after it has
// shrunk them by its decay at that same rate.
//
// Threads: one, the trainer.
class DenseOptimizer {
 public:
  // weights: [layout.count()], for their device. The options have their defaults filled in.
  DenseOptimizer(const v1::DenseOptimizer& options, const ParameterLayout& layout, const torch::Tensor& weights);

  // One update of `weights` [count], in place; `gradient` [count] is clipped in place. `step`: number of this update,
  // from 1.
  void Step(torch::Tensor& weights, torch::Tensor& gradient, uint64_t step);

  // The state to save and restore, by name: [count] each, shared with the optimizer.
  std::vector<std::pair<std::string, torch::Tensor>> state() const { return rule_->state(); }

 private:
  const v1::Schedule schedule_;
  const double clip_norm_;                // 0: never.
  const torch::Tensor factor_by_weight_;  // [count]; undefined where all are 1.
  const std::unique_ptr<UpdateRule> rule_;
};

}  // namespace polyscene
