#include "model/optimizer/dense_optimizer.h"

#include <torch/torch.h>

#include "model/network/parameter_roles.h"
#include "model/optimizer/adagrad.h"
#include "model/optimizer/adam.h"
#include "model/optimizer/adam_w.h"
#include "model/optimizer/gradient_clip.h"
#include "model/optimizer/schedule.h"
#include "model/optimizer/sgd.h"

namespace polyscene {
namespace {

std::unique_ptr<UpdateRule> CreateRule(const v1::DenseOptimizer& options, const torch::Tensor& weights) {
  switch (options.kind_case()) {
    case v1::DenseOptimizer::kSgd:
      return std::make_unique<Sgd>(options.sgd(), weights);
    case v1::DenseOptimizer::kAdamW:
      return std::make_unique<AdamW>(options.adam_w(), weights);
    case v1::DenseOptimizer::kAdagrad:
      return std::make_unique<Adagrad>(options.adagrad(), weights);
    case v1::DenseOptimizer::kAdam:
    case v1::DenseOptimizer::KIND_NOT_SET:
      break;
  }
  return std::make_unique<Adam>(options.adam(), weights);
}

torch::Tensor FactorByWeight(const ParameterLayout& layout, double tower_factor, const torch::Tensor& like) {
  if (tower_factor == 1) return torch::Tensor();
  torch::Tensor factors = torch::ones_like(like);
  for (const ParameterSpec& parameter : layout.specs()) {
    if (IsOfTower(parameter)) factors.narrow(0, parameter.offset, parameter.count).fill_(tower_factor);
  }
  return factors;
}

}  // namespace

DenseOptimizer::DenseOptimizer(const v1::DenseOptimizer& options, const ParameterLayout& layout,
                               const torch::Tensor& weights)
    : schedule_(options.schedule()),
      clip_norm_(options.clip_norm()),
      factor_by_weight_(FactorByWeight(layout, options.tower_factor(), weights)),
      rule_(CreateRule(options, weights)) {}

void DenseOptimizer::Step(torch::Tensor& weights, torch::Tensor& gradient, uint64_t step) {
  if (clip_norm_ > 0) ClipByNorm(gradient, clip_norm_);
  rule_->Update(weights, gradient, {ScheduleFactor(schedule_, step), factor_by_weight_}, step);
}

}  // namespace polyscene
