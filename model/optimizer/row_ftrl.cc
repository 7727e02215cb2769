#include "model/optimizer/row_ftrl.h"

#include <torch/torch.h>

#include <cmath>

namespace polyscene {

RowFtrl::RowFtrl(const v1::RowFtrl& options)
    : alpha_(options.alpha()), beta_(options.beta()), l1_(options.l1()), l2_(options.l2()) {}

torch::Tensor RowFtrl::Leaders(const torch::Tensor& values, const torch::Tensor& state) const {
  const int64_t width = values.size(1);
  const torch::Tensor stored = state.narrow(1, 0, width);
  const torch::Tensor n = state.narrow(1, width, width);
  const torch::Tensor slopes = (n.sqrt() + beta_) / alpha_ + l2_;
  torch::Tensor of_values = -values * slopes;
  if (l1_ > 0) {
    // The values are 1 - l1 sqrt(d) / |z| of what they would be without l1.
    const torch::Tensor norms = of_values.square().sum(1, /*keepdim=*/true).sqrt();
    of_values = of_values * (1 + l1_ * std::sqrt(static_cast<double>(width)) / norms);
  }
  const torch::Tensor any_value = values.ne(0).any(1, /*keepdim=*/true);
  const torch::Tensor any_state = state.ne(0).any(1, /*keepdim=*/true);
  return torch::where(any_state, torch::where(any_value, of_values, stored), values * -(beta_ / alpha_));
}

void RowFtrl::Step(RowStore& store, absl::Span<const uint32_t> rows, const torch::Tensor& values,
                   const torch::Tensor& gradients) const {
  const int64_t width = store.dimension();

  const torch::Tensor state = store.GatherState(rows);
  const torch::Tensor n = state.narrow(1, width, width);
  const torch::Tensor sums = n + gradients.square();
  const torch::Tensor roots = sums.sqrt();
  const torch::Tensor z = Leaders(values, state) + gradients - (roots - n.sqrt()) * values * (1 / alpha_);
  store.WriteState(rows, torch::cat({z, sums}, 1));

  torch::Tensor next = -z / ((roots + beta_) / alpha_ + l2_);
  if (l1_ > 0) {
    const torch::Tensor norms = z.square().sum(1, /*keepdim=*/true).sqrt();
    // A norm of 0 gives minus infinity, which the clamp makes 0.
    next = next * (1 - l1_ * std::sqrt(static_cast<double>(width)) / norms).clamp_min(0);
  }
  store.Write(rows, next);
}

}  // namespace polyscene
