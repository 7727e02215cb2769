// A tower for each scene and task, over what all scenes share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/network/mlp.h"
#include "model/network/towers.h"

namespace polyscene {

// Named "tower.<scene>/<task>.0.weight", "head.<scene>/<task>.weight", as those of `single` are. Rows whose scene has
// no such task get logits of 0.
class SceneTowers : public Towers {
 public:
  SceneTowers(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs);

  bool of_scenes() const override { return true; }
  torch::Tensor ForwardOne(const Weights& weights, int scene, const WantedTask& want, torch::Tensor inputs,
                           const TowerFactors* factors) const override;
  std::vector<torch::Tensor> ForwardAll(const Weights& weights, int scene, torch::Tensor inputs,
                                        const TowerFactors* factors) const override;

 private:
  struct Tower {
    Tower(ParameterLayout& layout, const ModelSpec& spec, const std::string& name, int64_t inputs, int64_t outputs);

    const Mlp hidden;
    const Linear head;
  };

  std::vector<std::vector<std::unique_ptr<Tower>>>
      towers_;                    // [scenes][ModelSpec::towers()]; null where the scene has no such task.
  std::vector<int64_t> outputs_;  // [ModelSpec::towers()]
};

}  // namespace polyscene
