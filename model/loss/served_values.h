// What ServedScores() in task_loss.h says, over plain numbers. No LibTorch.
#pragma once

#include <cstdint>

#include "model/feature/label_scale.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Turns `values`, logits [rows, TaskSpec::outputs], into what callers get, in place.
void ToServedValues(const TaskSpec& task, const LabelScale& scale, int64_t rows, float* values);

}  // namespace polyscene
