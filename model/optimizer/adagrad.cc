#include "model/optimizer/adagrad.h"

#include <torch/torch.h>

namespace polyscene {

Adagrad::Adagrad(const v1::Adagrad& options, const torch::Tensor& like)
    : rate_(options.learning_rate()),
      initial_accumulator_(options.initial_accumulator()),
      epsilon_(options.epsilon()),
      sum_(torch::zeros_like(like)) {}

void Adagrad::Update(torch::Tensor& weights, const torch::Tensor& gradient, const RateFactors& rates,
                     uint64_t /*step*/) {
  sum_.addcmul_(gradient, gradient);
  const torch::Tensor denominator = (sum_ + initial_accumulator_).sqrt_().add_(epsilon_);
  weights.addcdiv_(rates.Scaled(gradient), denominator, -rate_ * rates.step);
}

std::vector<std::pair<std::string, torch::Tensor>> Adagrad::state() const { return {{"adagrad.sum", sum_}}; }

}  // namespace polyscene
