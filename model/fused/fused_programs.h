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
  int scene_inputs = -1;        // The scene's own inputs, index among the recipes' vectors; -1: it has none.
};

// Immutable, any thread.
struct FusedPrograms {
  // layout: of the network's parameters.
  FusedPrograms(const ModelSpec& spec, const ParameterLayout& layout);

  std::vector<FusedProgram> scenes;  // [scenes]
  std::vector<ProductShape> shapes;  // By Step::product.
  WeightRecipes recipes;
};

}  // namespace polyscene
