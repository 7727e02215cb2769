// The steps of each kind of network: what model/network computes with LibTorch, by the same matrices' names.
#pragma once

#include "model/compiled/program_builder.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Appends everything from the inputs to the logits of the towers of `scene` (index).
void AppendNetwork(const ModelSpec& spec, int scene, ProgramBuilder& builder);

// Whether rows have inputs of their scene behind their own.
bool HasSceneInputs(const ModelSpec& spec);

// The vector of weights that are those of the scene (index), [kSceneInputs]; its index among PackedWeights::vectors.
int AddSceneInputs(int scene, ProgramParts& parts);

// Whether the first layers read the inputs as they come, so that a context's share of them can be computed once.
bool CanSplit(const ModelSpec& spec);

// Why there are no such steps; empty: there are.
std::string WhyNotCompiled(const ModelSpec& spec);

}  // namespace polyscene
