#include "model/optimizer/sgd.h"

#include <torch/torch.h>

namespace polyscene {

Sgd::Sgd(const v1::Sgd& options, const torch::Tensor& like)
    : rate_(options.learning_rate()), momentum_(options.momentum()) {
  if (momentum_ > 0) velocity_ = torch::zeros_like(like);
}

void Sgd::Update(torch::Tensor& weights, const torch::Tensor& gradient, const RateFactors& rates, uint64_t /*step*/) {
  if (velocity_.defined()) velocity_.mul_(momentum_).add_(gradient);
  weights.add_(rates.Scaled(velocity_.defined() ? velocity_ : gradient), -rate_ * rates.step);
}

std::vector<std::pair<std::string, torch::Tensor>> Sgd::state() const {
  if (!velocity_.defined()) return {};
  return {{"sgd.velocity", velocity_}};
}

}  // namespace polyscene
