#include "model/optimizer/row_ftrl.h"

#include <torch/torch.h>

#include <cmath>

#include "model/optimizer/row_numbers.h"

namespace polyscene {

RowFtrl::RowFtrl(const v1::RowFtrl& options)
    : alpha_(options.alpha()), beta_(options.beta()), l1_(options.l1()), l2_(options.l2()) {}

void RowFtrl::Step(RowStore& store, absl::Span<const uint32_t> rows, const torch::Tensor& values,
                   const torch::Tensor& gradients) const {
  const torch::Tensor numbers = RowNumbers(rows, values.device());
  const int64_t width = store.dimension();

  const torch::Tensor state = store.state().index_select(0, numbers);
  const torch::Tensor n = state.narrow(1, width, width);
  const torch::Tensor met = state.narrow(1, 0, width);
  const torch::Tensor fresh = met.eq(0).logical_and(n.eq(0));
  const torch::Tensor sums = n + gradients.square();
  const torch::Tensor roots = sums.sqrt();
  const torch::Tensor z = torch::where(fresh, values * -(beta_ / alpha_ + l2_), met) + gradients -
                          (roots - n.sqrt()) * values * (1 / alpha_);
  store.state().index_copy_(0, numbers, torch::cat({z, sums}, 1));

  torch::Tensor next = -z / ((roots + beta_) / alpha_ + l2_);
  if (l1_ > 0) {
    const torch::Tensor norms = z.square().sum(1, /*keepdim=*/true).sqrt();
    // A norm of 0 gives minus infinity, which the clamp makes 0.
    next = next * (1 - l1_ * std::sqrt(static_cast<double>(width)) / norms).clamp_min(0);
  }
  store.Write(rows, next);
}

}  // namespace polyscene
