// What a model is evaluated by.
#pragma once

#include "model/evaluation/evaluation.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// The cells that `spec`'s scenes and tasks are evaluated in.
EvaluationLayout LayoutOf(const ModelSpec& spec);

}  // namespace polyscene
