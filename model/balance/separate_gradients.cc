#include "model/balance/separate_gradients.h"

#include <torch/torch.h>

namespace polyscene {

SeparateGradients::SeparateGradients(absl::Span<const torch::Tensor> losses, absl::Span<const torch::Tensor> weights)
    : count_(static_cast<int>(losses.size())), gradients_(weights.size()) {
  const std::vector<torch::Tensor> inputs(weights.begin(), weights.end());
  for (const torch::Tensor& weight : inputs) sizes_.push_back(weight.sizes().vec());
  if (inputs.empty()) return;
  for (int l = 0; l < count_; ++l) {
    const std::vector<torch::Tensor> found = torch::autograd::grad(
        {losses[l]}, inputs, /*grad_outputs=*/{}, /*retain_graph=*/true, /*create_graph=*/false, /*allow_unused=*/true);
    for (size_t w = 0; w < inputs.size(); ++w) {
      if (!found[w].defined()) continue;
      torch::Tensor& all = gradients_[w];
      if (!all.defined()) all = torch::zeros({count_, inputs[w].numel()}, found[w].options());
      all.select(0, l).copy_(found[w].reshape({-1}));
    }
  }
}

GradientProducts SeparateGradients::Products() const {
  torch::Tensor sum;
  for (const torch::Tensor& gradients : gradients_) {
    if (!gradients.defined()) continue;
    const torch::Tensor products = gradients.matmul(gradients.t());
    sum = sum.defined() ? sum + products : products;
  }
  GradientProducts products(count_);
  if (!sum.defined()) return products;
  sum = sum.to(torch::kCPU, torch::kFloat64);
  const auto values = sum.accessor<double, 2>();
  for (int i = 0; i < count_; ++i) {
    for (int j = 0; j < count_; ++j) products.At(i, j) = values[i][j];
  }
  return products;
}

torch::Tensor SeparateGradients::Sum(size_t weight, absl::Span<const double> factors) const {
  const torch::Tensor& all = gradients_[weight];
  if (!all.defined()) return torch::Tensor();
  const torch::Tensor by_loss = torch::tensor(std::vector<double>(factors.begin(), factors.end()), torch::kFloat64);
  return by_loss.to(all.options()).matmul(all).view(sizes_[weight]);
}

}  // namespace polyscene
