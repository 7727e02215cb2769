#include "model/optimizer/adam.h"

#include <torch/torch.h>

#include <cmath>

namespace polyscene {

Adam::Adam(const v1::Adam& options, const torch::Tensor& like)
    : rate_(options.learning_rate()),
      beta1_(options.beta1()),
      beta2_(options.beta2()),
      epsilon_(options.epsilon()),
      mean_(torch::zeros_like(like)),
      variance_(torch::zeros_like(like)) {}

void Adam::Update(torch::Tensor& weights, const torch::Tensor& gradient, const RateFactors& rates, uint64_t step) {
  mean_.mul_(beta1_).add_(gradient, 1 - beta1_);
  variance_.mul_(beta2_).addcmul_(gradient, gradient, 1 - beta2_);
  const double correction1 = 1 - std::pow(beta1_, static_cast<double>(step));
  const double correction2 = 1 - std::pow(beta2_, static_cast<double>(step));
  const torch::Tensor denominator = variance_.sqrt().div_(std::sqrt(correction2)).add_(epsilon_);
  weights.addcdiv_(rates.Scaled(mean_), denominator, -rate_ * rates.step / correction1);
}

std::vector<std::pair<std::string, torch::Tensor>> Adam::state() const {
  return {{"adam.mean", mean_}, {"adam.variance", variance_}};
}

}  // namespace polyscene
