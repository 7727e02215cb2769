#include "model/network/towers.h"

#include <torch/torch.h>

namespace polyscene {

Towers::Towers(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs)
    : hidden_(layout, "tower", static_cast<int64_t>(spec.tasks().size()), inputs,
              {spec.file().network().tower().begin(), spec.file().network().tower().end()}, ParameterAxis::kTasks) {
  const double bound = LinearBound(hidden_.outputs());
  for (const TaskSpec& task : spec.tasks()) {
    Layer layer;
    layer.weight = layout.Add("head." + task.name + ".weight", {hidden_.outputs(), task.outputs}, bound);
    layer.bias = layout.Add("head." + task.name + ".bias", {task.outputs}, bound);
    heads_.push_back(layer);
  }
}

torch::Tensor Towers::Head(const Parameters& parameters, int task, const torch::Tensor& hidden) const {
  return torch::addmm(parameters[heads_[task].bias], hidden, parameters[heads_[task].weight]);
}

torch::Tensor Towers::ForwardOne(const Parameters& parameters, int task, const torch::Tensor& inputs) const {
  return Head(parameters, task, hidden_.ForwardOne(parameters, task, inputs));
}

std::vector<torch::Tensor> Towers::ForwardAll(const Parameters& parameters, const torch::Tensor& inputs) const {
  const torch::Tensor hidden = hidden_.Forward(parameters, inputs);
  std::vector<torch::Tensor> logits;
  for (size_t t = 0; t < heads_.size(); ++t) {
    logits.push_back(Head(parameters, static_cast<int>(t), hidden.select(0, static_cast<int64_t>(t))));
  }
  return logits;
}

}  // namespace polyscene
