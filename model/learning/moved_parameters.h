// Dense weights of one network put into another's, by name.
#pragma once

#include <torch/types.h>

#include "model/network/parameters.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// A network's parameters, and the model that gives their places their names.
struct NamedLayout {
  const ModelSpec& spec;
  const ParameterLayout& layout;
};

// Copies from `values` ([from.layout.count()], CPU) into `into` ([to.layout.count()], CPU) whatever both have: matrices
// by name, and of these inputs, scenes and tasks by theirs. The rest of `into` stays as it is.
void MoveParameters(const NamedLayout& from, const torch::Tensor& values, const NamedLayout& to, torch::Tensor& into);

}  // namespace polyscene
