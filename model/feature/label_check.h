// Checks labels, weights and event times. Private to this folder.
#pragma once

#include <optional>

#include "model/data/examples.h"
#include "model/feature/row_errors.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Whether all labels are of the scene's tasks (null: of any task), each once, and everything has its value a row.
std::optional<BatchError> CheckLabelShapes(const ModelSpec& spec, const SceneSpec* scene, const ExamplesView& examples);

// Whether a label of `task` may have this value.
bool LabelIsInRange(const TaskSpec& task, float label);

// Checks each row's labels and weight. After CheckLabelShapes().
void CheckLabels(const ModelSpec& spec, const ExamplesView& examples, RowErrors& errors);

}  // namespace polyscene
