#include "model/optimizer/row_adagrad.h"

#include <torch/torch.h>

#include "model/optimizer/row_numbers.h"

namespace polyscene {

RowAdagrad::RowAdagrad(const v1::RowAdagrad& options)
    : rate_(options.learning_rate()),
      initial_accumulator_(options.initial_accumulator()),
      epsilon_(options.epsilon()),
      l2_(options.l2()) {}

void RowAdagrad::Step(RowStore& store, absl::Span<const uint32_t> rows, const torch::Tensor& values,
                      const torch::Tensor& gradients) const {
  const torch::Tensor numbers = RowNumbers(rows, values.device());
  const torch::Tensor slopes = l2_ > 0 ? gradients.add(values, l2_) : gradients;

  torch::Tensor state = store.state().squeeze(1);
  const torch::Tensor accumulators = state.index_select(0, numbers) + slopes.square().mean(1);
  state.index_copy_(0, numbers, accumulators);
  const torch::Tensor rates = ((accumulators + initial_accumulator_).sqrt_().add_(epsilon_)).reciprocal_().mul_(-rate_);
  store.Write(rows, torch::addcmul(values, slopes, rates.unsqueeze(1)));
}

}  // namespace polyscene
