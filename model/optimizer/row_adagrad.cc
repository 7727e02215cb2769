#include "model/optimizer/row_adagrad.h"

#include <torch/torch.h>

namespace polyscene {

RowAdagrad::RowAdagrad(const v1::RowAdagrad& options)
    : rate_(options.learning_rate()),
      initial_accumulator_(options.initial_accumulator()),
      epsilon_(options.epsilon()),
      l2_(options.l2()) {}

void RowAdagrad::Step(RowStore& store, absl::Span<const uint32_t> rows, const torch::Tensor& values,
                      const torch::Tensor& gradients) const {
  const torch::Tensor slopes = l2_ > 0 ? gradients.add(values, l2_) : gradients;

  const torch::Tensor accumulators = store.GatherState(rows).squeeze(1) + slopes.square().mean(1);
  store.WriteState(rows, accumulators.unsqueeze(1));
  const torch::Tensor rates = ((accumulators + initial_accumulator_).sqrt_().add_(epsilon_)).reciprocal_().mul_(-rate_);
  store.Write(rows, torch::addcmul(values, slopes, rates.unsqueeze(1)));
}

}  // namespace polyscene
