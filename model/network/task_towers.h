// A tower for each task, whatever the scene, side by side.
#pragma once

#include <vector>

#include "model/network/mlp.h"
#include "model/network/towers.h"

namespace polyscene {

class TaskTowers : public Towers {
 public:
  TaskTowers(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs);

  bool of_scenes() const override { return false; }
  torch::Tensor ForwardOne(const Weights& weights, int scene, const WantedTask& want, torch::Tensor inputs,
                           const TowerFactors* factors) const override;
  std::vector<torch::Tensor> ForwardAll(const Weights& weights, int scene, torch::Tensor inputs,
                                        const TowerFactors* factors) const override;

 private:
  const StackedMlp hidden_;
  std::vector<Linear> heads_;  // [ModelSpec::towers()]
};

}  // namespace polyscene
