// The loss of one row, for who watches it and does not learn from it. No LibTorch.
#pragma once

#include "absl/types/span.h"
#include "model/feature/label_scale.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// What the task's loss makes of a row: of `score` [outputs] and `label` [label width], both on the scale that
// evaluation uses (EvaluatedScores(), EvaluatedLabel()), up to a factor that is the same for every row under one
// `scale`; of a count, what is above the loss of the best score. Probabilities count as within [e^-16, 1], scores of
// counts as at least e^-16.
double RowLoss(const TaskSpec& task, const LabelScale& scale, absl::Span<const float> score,
               absl::Span<const float> label);

}  // namespace polyscene
