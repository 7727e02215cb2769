#include "model/network/mmoe.h"

#include <torch/torch.h>

#include "model/network/wanted.h"

namespace polyscene {
namespace {

std::vector<int64_t> LaterWidths(const v1::Mmoe& mmoe) { return {mmoe.hidden().begin() + 1, mmoe.hidden().end()}; }

}  // namespace

MmoeNetwork::MmoeNetwork(const ModelSpec& spec, int64_t input_width)
    : adaptation_(layout_, spec, input_width),
      experts_(spec.file().network().mmoe().experts()),
      tasks_(static_cast<int64_t>(spec.tasks().size())),
      first_width_(spec.file().network().mmoe().hidden(0)),
      first_weight_(layout_.Add("expert.first.weight", {adaptation_.outputs(), experts_ * first_width_},
                                LinearBound(adaptation_.outputs()), {ParameterAxis::kInputs})),
      first_bias_(layout_.Add("expert.first.bias", {experts_ * first_width_}, LinearBound(adaptation_.outputs()))),
      later_layers_(layout_, "expert", experts_, first_width_, LaterWidths(spec.file().network().mmoe()),
                    ParameterAxis::kPlain),
      gate_weight_(layout_.Add("gate.weight", {adaptation_.outputs(), tasks_ * experts_},
                               LinearBound(adaptation_.outputs()), {ParameterAxis::kInputs, ParameterAxis::kTasks})),
      gate_bias_(
          layout_.Add("gate.bias", {tasks_ * experts_}, LinearBound(adaptation_.outputs()), {ParameterAxis::kTasks})),
      towers_(layout_, spec, later_layers_.outputs()) {}

torch::Tensor MmoeNetwork::Experts(const Parameters& parameters, const torch::Tensor& inputs) const {
  const torch::Tensor first = torch::addmm(parameters[first_bias_], inputs, parameters[first_weight_]).relu_();
  const torch::Tensor by_expert = first.view({-1, experts_, first_width_}).transpose(0, 1);
  return later_layers_.Forward(parameters, by_expert).transpose(0, 1);
}

std::vector<torch::Tensor> MmoeNetwork::Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                                const torch::Tensor& scenes,
                                                absl::Span<const WantedTask> wanted) const {
  const torch::Tensor adapted = adaptation_.Forward(parameters, inputs, scenes);
  const torch::Tensor experts = Experts(parameters, adapted);  // [rows, experts, width]
  if (WantsEverything(wanted, static_cast<size_t>(tasks_))) {
    const torch::Tensor gates =
        torch::addmm(parameters[gate_bias_], adapted, parameters[gate_weight_]).view({-1, tasks_, experts_}).softmax(2);
    return towers_.ForwardAll(parameters, torch::bmm(gates, experts).transpose(0, 1));
  }
  std::vector<torch::Tensor> logits;
  for (const WantedTask& want : wanted) {
    const int64_t begin = want.task * experts_;
    const torch::Tensor gate =
        torch::addmm(parameters[gate_bias_].narrow(0, begin, experts_), SelectRows(adapted, want),
                     parameters[gate_weight_].narrow(1, begin, experts_))
            .softmax(1);  // [n, experts]
    const torch::Tensor mixed = torch::bmm(gate.unsqueeze(1), SelectRows(experts, want)).squeeze(1);
    logits.push_back(towers_.ForwardOne(parameters, want.task, mixed));
  }
  return logits;
}

}  // namespace polyscene
