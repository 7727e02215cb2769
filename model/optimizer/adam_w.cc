#include "model/optimizer/adam_w.h"

#include <torch/torch.h>

namespace polyscene {
namespace {

v1::Adam AdamOptions(const v1::AdamW& options) {
  v1::Adam adam;
  adam.set_learning_rate(options.learning_rate());
  adam.set_beta1(options.beta1());
  adam.set_beta2(options.beta2());
  adam.set_epsilon(options.epsilon());
  return adam;
}

}  // namespace

AdamW::AdamW(const v1::AdamW& options, const torch::Tensor& like)
    : decay_(options.learning_rate() * options.weight_decay()), adam_(AdamOptions(options), like) {}

void AdamW::Update(torch::Tensor& weights, const torch::Tensor& gradient, const RateFactors& rates, uint64_t step) {
  weights.sub_(rates.Scaled(weights), decay_ * rates.step);
  adam_.Update(weights, gradient, rates, step);
}

}  // namespace polyscene
