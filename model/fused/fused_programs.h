// The steps of a network's scenes as training runs them: whole rows, float32, every buffer kept for the way back.
#pragma once

#include <cstdint>
#include <vector>

#include "model/compiled/packed_weights.h"
#include "model/compiled/program.h"
#include "model/network/parameters.h"
#include "model/spec/model_spec.h"

namespace polyscene {

struct FusedProgram {
  Program program;
  std::vector<int64_t> begins;  // [buffers] Where each begins, and
  int64_t floats = 0;           // what all of them need: in floats a row.
};

// Immutable, any thread.
struct FusedPrograms {
  // layout: of the network's parameters.
  FusedPrograms(const ModelSpec& spec, const ParameterLayout& layout);

  std::vector<FusedProgram> programs;
  std::vector<int> program_of;    // [scenes] Scenes of the same tasks and weights share one.
  std::vector<int> scene_inputs;  // [scenes] Their own inputs, index among the recipes' vectors; empty: none has any.
  std::vector<ProductShape> shapes;  // By Step::product.
  WeightRecipes recipes;
};

}  // namespace polyscene
