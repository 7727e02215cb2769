// The classic multi-task network: one MLP shared by all scenes and tasks, a tower per task.
// Caruana, "Multitask Learning", Machine Learning 28, 1997.
#pragma once

#include "model/network/mlp.h"
#include "model/network/network.h"
#include "model/network/scene_adaptation.h"
#include "model/network/towers.h"

namespace polyscene {

class SharedBottomNetwork : public Network {
 public:
  SharedBottomNetwork(const ModelSpec& spec, int64_t input_width);

  std::vector<torch::Tensor> Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                     const torch::Tensor& scenes, absl::Span<const WantedTask> wanted) const override;

 private:
  const SceneAdaptation adaptation_;
  const Mlp bottom_;
  const Towers towers_;
  const size_t task_count_;
};

}  // namespace polyscene
