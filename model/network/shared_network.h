// A network that all scenes and tasks share: scene adaptation, interaction, trunk and towers, each as the model file
// says.
#pragma once

#include <memory>

#include "model/network/interaction.h"
#include "model/network/network.h"
#include "model/network/scene_adaptation.h"
#include "model/network/towers.h"
#include "model/network/trunk.h"

namespace polyscene {

class SharedNetwork : public Network {
 public:
  SharedNetwork(const ModelSpec& spec, int64_t input_width);

  std::vector<torch::Tensor> Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                     absl::Span<const int32_t> scenes,
                                     absl::Span<const WantedTask> wanted) const override;

 private:
  // Behind the adapted inputs, with weights that hold for all of these rows.
  // scene: theirs, where that matters.
  std::vector<torch::Tensor> Layers(const Weights& weights, int scene, const torch::Tensor& adapted,
                                    const TowerFactors* factors, absl::Span<const WantedTask> wanted) const;

  const size_t task_count_;
  std::unique_ptr<SceneAdaptation> adaptation_;  // These four in the order that their matrices lie in.
  std::unique_ptr<Interaction> interaction_;
  std::unique_ptr<Trunk> trunk_;
  std::unique_ptr<Towers> towers_;
};

}  // namespace polyscene
