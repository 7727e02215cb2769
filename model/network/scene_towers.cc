#include "model/network/scene_towers.h"

#include <torch/torch.h>

#include "absl/strings/str_cat.h"

namespace polyscene {

SceneTowers::Tower::Tower(ParameterLayout& layout, const ModelSpec& spec, const std::string& name, int64_t inputs,
                          int64_t outputs)
    : hidden(layout, "tower." + name, inputs,
             {spec.file().network().tower().begin(), spec.file().network().tower().end()},
             SkipOf(spec.file().network()), ParameterAxis::kPlain),
      head(AddLinear(layout, "head." + name, hidden.outputs(), outputs, {})) {}

SceneTowers::SceneTowers(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs) {
  for (const int task : spec.towers()) outputs_.push_back(spec.tasks()[task].outputs);
  for (const SceneSpec& scene : spec.scenes()) {
    std::vector<std::unique_ptr<Tower>>& towers = towers_.emplace_back(spec.towers().size());
    for (const int t : scene.tasks) {
      const TaskSpec& task = spec.tasks()[t];
      if (task.tower < 0) continue;
      towers[task.tower] =
          std::make_unique<Tower>(layout, spec, absl::StrCat(scene.name, "/", task.name), inputs, task.outputs);
    }
  }
}

torch::Tensor SceneTowers::ForwardOne(const Weights& weights, int scene, const WantedTask& want, torch::Tensor inputs,
                                      const TowerFactors* factors) const {
  const Tower* tower = towers_[scene][want.task].get();
  if (tower == nullptr) return torch::zeros({inputs.size(0), outputs_[want.task]}, inputs.options());
  for (int layer = 0; layer < tower->hidden.layer_count(); ++layer) {
    if (factors != nullptr) inputs = inputs * factors->One(layer, want);
    inputs = tower->hidden.ForwardLayer(weights, layer, inputs);
  }
  if (factors != nullptr) inputs = inputs * factors->One(tower->hidden.layer_count(), want);
  return tower->head.Forward(weights, inputs);
}

std::vector<torch::Tensor> SceneTowers::ForwardAll(const Weights& weights, int scene, torch::Tensor inputs,
                                                   const TowerFactors* factors) const {
  const std::vector<torch::Tensor> by_task = inputs.unbind(0);
  std::vector<torch::Tensor> logits;
  for (size_t t = 0; t < outputs_.size(); ++t) {
    logits.push_back(ForwardOne(weights, scene, {static_cast<int>(t), torch::Tensor()}, by_task[t], factors));
  }
  return logits;
}

}  // namespace polyscene
