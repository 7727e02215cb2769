#include "model/network/task_towers.h"

#include <torch/torch.h>

namespace polyscene {

TaskTowers::TaskTowers(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs)
    : hidden_(layout, "tower", static_cast<int64_t>(spec.towers().size()), inputs,
              {spec.file().network().tower().begin(), spec.file().network().tower().end()},
              SkipOf(spec.file().network()), ParameterAxis::kTasks) {
  for (const int t : spec.towers()) {
    const TaskSpec& task = spec.tasks()[t];
    heads_.push_back(AddLinear(layout, "head." + task.name, hidden_.outputs(), task.outputs, {}));
  }
}

torch::Tensor TaskTowers::ForwardOne(const Weights& weights, int /*scene*/, const WantedTask& want,
                                     torch::Tensor inputs, const TowerFactors* factors) const {
  for (int layer = 0; layer < hidden_.layer_count(); ++layer) {
    if (factors != nullptr) inputs = inputs * factors->One(layer, want);
    inputs = hidden_.ForwardOneLayer(weights, layer, want.task, inputs);
  }
  if (factors != nullptr) inputs = inputs * factors->One(hidden_.layer_count(), want);
  return heads_[want.task].Forward(weights, inputs);
}

std::vector<torch::Tensor> TaskTowers::ForwardAll(const Weights& weights, int /*scene*/, torch::Tensor inputs,
                                                  const TowerFactors* factors) const {
  for (int layer = 0; layer < hidden_.layer_count(); ++layer) {
    if (factors != nullptr) inputs = inputs * factors->All(layer);
    inputs = hidden_.ForwardLayer(weights, layer, inputs);
  }
  if (factors != nullptr) inputs = inputs * factors->All(hidden_.layer_count());
  const std::vector<torch::Tensor> by_task = inputs.unbind(0);
  std::vector<torch::Tensor> logits;
  for (size_t t = 0; t < heads_.size(); ++t) logits.push_back(heads_[t].Forward(weights, by_task[t]));
  return logits;
}

}  // namespace polyscene
