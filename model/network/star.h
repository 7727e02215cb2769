// Star topology: every layer before the towers has weights of each scene, which multiply the shared ones elementwise,
// and biases, which are added to the shared ones.
// Sheng et al., "One Model to Serve All: Star Topology Adaptive Recommender for Multi-Domain CTR Prediction", CIKM
// 2021.
//
// Scenes start as the shared weights make them: factors of 1, biases of 0. A scene's matrices are its own, named
// "star.<scene>/<matrix>", so that a step over rows of one scene leaves those of the others alone.
#pragma once

#include <vector>

#include "model/network/scene_adaptation.h"

namespace polyscene {

class Star : public SceneAdaptation {
 public:
  explicit Star(const ParameterLayout& layout) : begin_(layout.specs().size()) {}

  void AddBehindTrunk(ParameterLayout& layout, const ModelSpec& spec, int64_t tower_inputs) override;
  const WeightOverlay* OverlayOf(int scene) const override { return &overlays_[scene]; }

 private:
  const size_t begin_;                   // Matrices declared before are no layers: what makes the inputs.
  std::vector<WeightOverlay> overlays_;  // [scenes]
};

}  // namespace polyscene
