#include "model/optimizer/row_optimizer.h"

#include <torch/torch.h>

namespace polyscene {

RowAdagrad::RowAdagrad(const v1::RowAdagrad& options)
    : rate_(options.learning_rate()),
      initial_accumulator_(options.initial_accumulator()),
      epsilon_(options.epsilon()) {}

void RowAdagrad::Step(RowStore& store, absl::Span<const uint32_t> rows, const torch::Tensor& values,
                      const torch::Tensor& gradients) const {
  torch::Tensor numbers = torch::empty({static_cast<int64_t>(rows.size())}, torch::kInt64);
  std::copy(rows.begin(), rows.end(), numbers.data_ptr<int64_t>());
  numbers = numbers.to(values.device());

  torch::Tensor state = store.state();
  const torch::Tensor accumulators = state.index_select(0, numbers) + gradients.square().mean(1);
  state.index_copy_(0, numbers, accumulators);
  const torch::Tensor rates = ((accumulators + initial_accumulator_).sqrt_().add_(epsilon_)).reciprocal_().mul_(-rate_);
  store.Write(rows, torch::addcmul(values, gradients, rates.unsqueeze(1)));
}

}  // namespace polyscene
