// What a task's logits cost, given a batch's labels.
#pragma once

#include <torch/types.h>

#include "model/feature/label_scale.h"
#include "model/feature/task_labels.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// TaskLoss() of the batch's labels, of which at least one has a weight above 0. logits: [n, outputs] of the rows
// numbered `rows` ([n] int64, on any device), or of every row where `rows` is undefined. A scalar on the logits'
// device.
torch::Tensor LabelLoss(const TaskSpec& task, const LabelScale& scale, const TaskLabels& labels,
                        const torch::Tensor& rows, const torch::Tensor& logits);

}  // namespace polyscene
