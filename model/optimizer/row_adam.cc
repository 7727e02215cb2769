#include "model/optimizer/row_adam.h"

#include <torch/torch.h>

#include <cmath>

namespace polyscene {

RowAdam::RowAdam(const v1::RowAdam& options)
    : rate_(options.learning_rate()),
      beta1_(options.beta1()),
      beta2_(options.beta2()),
      epsilon_(options.epsilon()),
      l2_(options.l2()) {}

void RowAdam::Step(RowStore& store, absl::Span<const uint32_t> rows, const torch::Tensor& values,
                   const torch::Tensor& gradients) const {
  const torch::Tensor slopes = l2_ > 0 ? gradients.add(values, l2_) : gradients;
  const int64_t width = store.dimension();

  const torch::Tensor state = store.GatherState(rows);
  torch::Tensor first = state.narrow(1, 0, width);
  torch::Tensor second = state.narrow(1, width, width);
  torch::Tensor steps = state.narrow(1, 2 * width, 1);
  first.mul_(beta1_).add_(slopes, 1 - beta1_);
  second.mul_(beta2_).addcmul_(slopes, slopes, 1 - beta2_);
  steps.add_(1);
  store.WriteState(rows, state);

  // 1 - beta^steps in double: near 1, a float would lose most of it.
  const torch::Tensor counted = steps.to(torch::kFloat64);
  const torch::Tensor first_share = (1 - (counted * std::log(beta1_)).exp()).to(torch::kFloat32);
  const torch::Tensor second_share = (1 - (counted * std::log(beta2_)).exp()).to(torch::kFloat32);
  const torch::Tensor moves = (first / first_share) / ((second / second_share).sqrt() + epsilon_);
  store.Write(rows, torch::add(values, moves, -rate_));
}

}  // namespace polyscene
