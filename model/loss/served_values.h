// What ServedScores() in task_loss.h says, over plain numbers. No LibTorch.
#pragma once

#include <cstdint>

#include "model/feature/label_scale.h"
#include "model/loss/platt_scaling.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// What CalibratedLogits() in calibrated_logits.h does to the logits of rows of one scene, in place.
void CalibrateLogits(const PlattScaling& platt, int64_t count, float* logits);

// Turns `values`, logits [rows, TaskSpec::outputs], into what callers get, in place.
void ToServedValues(const TaskSpec& task, const LabelScale& scale, int64_t rows, float* values);

}  // namespace polyscene
