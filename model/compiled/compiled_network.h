// The network of a model file, compiled for serving: programs of its scenes, and how snapshots' weights are packed for
// them. LibTorch's forward stays the reference (model/network).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "model/compiled/input_layout.h"
#include "model/compiled/packed_weights.h"
#include "model/compiled/program.h"
#include "model/network/parameters.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Immutable, any thread.
class CompiledNetwork {
 public:
  // layout: of the network's parameters.
  //   kUnimplemented  the reference has to serve this model; why
  static absl::StatusOr<std::shared_ptr<const CompiledNetwork>> Create(std::shared_ptr<const ModelSpec> spec,
                                                                       const ParameterLayout& layout,
                                                                       Arithmetic arithmetic);

  // The same with the arithmetic that the model file asks for and the processor has.
  //   kUnimplemented  also where the model file asks for the reference
  static absl::StatusOr<std::shared_ptr<const CompiledNetwork>> CreateForServing(std::shared_ptr<const ModelSpec> spec,
                                                                                 const ParameterLayout& layout);

  struct Scene {
    const InputLayout* inputs = nullptr;
    std::optional<Program> split;  // For requests of many candidates, where context and candidates can be told apart.
    Program whole;
  };

  // Generates bfloat16's code for chunks of every size, which the first request of a size would wait for otherwise.
  // Some tenths of a second for a large network.
  void Warm() const;

  // flat: the parameters as the layout has them, on the CPU.
  std::shared_ptr<const PackedWeights> Pack(const float* flat) const;

  const ModelSpec& spec() const { return *spec_; }
  const Scene& scene(int scene) const { return scenes_[scene]; }
  const std::vector<std::unique_ptr<PackedProduct>>& products() const { return products_; }
  Arithmetic arithmetic() const { return arithmetic_; }
  size_t workspace_bytes() const;  // That the largest program needs.

  // A scene's own inputs: index among PackedWeights::vectors, [kSceneInputs]; -1: there are none.
  int scene_inputs(int scene) const { return scene_inputs_.empty() ? -1 : scene_inputs_[scene]; }

 private:
  CompiledNetwork(std::shared_ptr<const ModelSpec> spec, const ParameterLayout& layout, Arithmetic arithmetic);

  const std::shared_ptr<const ModelSpec> spec_;
  const ParameterLayout layout_;
  const Arithmetic arithmetic_;
  InputLayout with_candidates_;
  InputLayout without_candidates_;
  std::vector<Scene> scenes_;
  std::vector<int> scene_inputs_;
  std::vector<std::unique_ptr<PackedProduct>> products_;
  WeightRecipes weights_;
};

}  // namespace polyscene
