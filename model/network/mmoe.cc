#include "model/network/mmoe.h"

#include <torch/torch.h>

namespace polyscene {

Mmoe::Mmoe(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs)
    : tasks_(static_cast<int64_t>(spec.towers().size())),
      expert_count_(spec.file().network().mmoe().experts()),
      experts_(layout, "expert", expert_count_, inputs,
               {spec.file().network().mmoe().hidden().begin(), spec.file().network().mmoe().hidden().end()},
               SkipOf(spec.file().network()), ParameterAxis::kInputs),
      gates_(
          AddLinear(layout, "gate", inputs, tasks_ * expert_count_, {ParameterAxis::kInputs, ParameterAxis::kTasks})) {}

torch::Tensor Mmoe::ForwardAll(const Weights& weights, const torch::Tensor& inputs) const {
  const torch::Tensor gates = gates_.Forward(weights, inputs).view({-1, tasks_, expert_count_}).softmax(2);
  return torch::bmm(gates, experts_.Forward(weights, inputs)).transpose(0, 1);
}

std::vector<torch::Tensor> Mmoe::ForwardWanted(const Weights& weights, const torch::Tensor& inputs,
                                               absl::Span<const WantedTask> wanted) const {
  const torch::Tensor experts = experts_.Forward(weights, inputs);  // [rows, experts, width]
  std::vector<torch::Tensor> outputs;
  for (const WantedTask& want : wanted) {
    const torch::Tensor gate =
        gates_.ForwardSome(weights, SelectRows(inputs, want), want.task * expert_count_, expert_count_).softmax(1);
    outputs.push_back(torch::bmm(gate.unsqueeze(1), SelectRows(experts, want)).squeeze(1));
  }
  return outputs;
}

}  // namespace polyscene
