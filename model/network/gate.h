// Gates that see a row's scene: one scales the network's inputs (EPNet), one before each of the towers' layers scales
// what comes into it (PPNet).
// Chang et al., "PEPNet: Parameter and Embedding Personalized Network for Infusing with Personalized Prior
// Information", KDD 2023.
//
// A gate is 2 x sigmoid of a linear layer over a hidden one, which reads the scene's embedding and the inputs; no
// gradient goes back into the inputs, as in the paper. The output layers start at zero, so every gate starts at 1. Of
// the paper's gates before a tower's layers each has a hidden layer of its own; here they share one, so that a tower
// costs its gates' output layers alone.
#pragma once

#include <vector>

#include "model/network/scene_adaptation.h"

namespace polyscene {

// The gates' hidden layer: [rows, inputs] and the rows' scenes -> [rows, kWidth].
class GateHidden {
 public:
  static constexpr int64_t kWidth = 32;

  GateHidden(ParameterLayout& layout, const std::string& name, int64_t inputs);

  // scene_table: [scenes, SceneEmbedding::kWidth]; index: [rows].
  torch::Tensor Forward(const Weights& weights, const torch::Tensor& inputs, const torch::Tensor& scene_table,
                        const torch::Tensor& index) const;

 private:
  Linear from_inputs_;
  int from_scene_;  // [SceneEmbedding::kWidth, kWidth]
};

class Gate : public SceneAdaptation {
 public:
  Gate(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs);

  torch::Tensor AdaptInputs(const Weights& weights, const torch::Tensor& inputs,
                            absl::Span<const int32_t> scenes) const override;
  void AddBehindTrunk(ParameterLayout& layout, const ModelSpec& spec, int64_t tower_inputs) override;
  std::unique_ptr<TowerFactors> FactorsOf(const Weights& weights, const torch::Tensor& adapted,
                                          absl::Span<const int32_t> scenes) const override;

 private:
  const SceneEmbedding embedding_;
  const GateHidden input_hidden_;
  const Linear input_gate_;
  const GateHidden tower_hidden_;
  std::vector<Linear> tower_gates_;    // [towers' layers] to tasks x the layer's inputs.
  std::vector<int64_t> tower_widths_;  // [towers' layers] inputs of the layer.
  int64_t tasks_;
};

}  // namespace polyscene
