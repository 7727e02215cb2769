// How a network tells scenes apart. An adaptation changes what goes into the first layer, the weights of the layers
// before the towers, or what goes into each of the towers' layers; each kind is a file of its own.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>

#include "absl/types/span.h"
#include "model/network/parameters.h"
#include "model/network/towers.h"
#include "model/network/weights.h"
#include "model/spec/model_size.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Stateless, any thread. This one does nothing: scenes differ by their features and tasks alone.
class SceneAdaptation {
 public:
  virtual ~SceneAdaptation() = default;

  // Inputs a row behind AdaptInputs(), of `inputs` before it: those, in their order, and perhaps more behind them.
  virtual int64_t OutputsOf(int64_t inputs) const { return inputs; }

  // [rows, inputs] -> [rows, OutputsOf(inputs)]. scenes: [rows], each row's scene.
  virtual torch::Tensor AdaptInputs(const Weights& weights, const torch::Tensor& inputs,
                                    absl::Span<const int32_t> scenes) const {
    return inputs;
  }

  // Declares what depends on the layers before the towers: called once, when these are declared, and the towers' first
  // inputs are known.
  virtual void AddBehindTrunk(ParameterLayout& layout, const ModelSpec& spec, int64_t tower_inputs) {}

  // What a scene makes of the weights before the towers; null: all scenes use the same, and a batch goes through them
  // as a whole.
  virtual const WeightOverlay* OverlayOf(int scene) const { return nullptr; }

  // From the adapted inputs; null: none. Never of an adaptation with overlays.
  virtual std::unique_ptr<TowerFactors> FactorsOf(const Weights& weights, const torch::Tensor& adapted,
                                                  absl::Span<const int32_t> scenes) const {
    return nullptr;
  }
};

// The one that the model file asks for, with what it needs before the first layer declared.
std::unique_ptr<SceneAdaptation> CreateSceneAdaptation(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs);

// ---- what several of them use ----

// A few learned inputs a scene.
class SceneEmbedding {
 public:
  static constexpr int64_t kWidth = kSceneInputs;

  SceneEmbedding(ParameterLayout& layout, const ModelSpec& spec);
  torch::Tensor Table(const Weights& weights) const { return weights[table_]; }  // [scenes, kWidth]

 private:
  int table_;
};

// `scenes` as an index on a device: [rows] int64.
torch::Tensor SceneIndex(absl::Span<const int32_t> scenes, torch::Device device);

}  // namespace polyscene
