// What each task's logits cost, and what they predict.
#pragma once

#include <torch/types.h>

#include "model/feature/label_scale.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Mean loss over the rows whose weight is not 0, each counted `weight` times: binary cross-entropy on logits, as it is
// or focal (Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017), softmax cross-entropy, squared error,
// Huber (Huber, "Robust Estimation of a Location Parameter", 1964), Poisson, or a quantile's pinball loss; a forecast's
// is the mean over its outputs.
//
// Poisson's is exp(z) - y z and what makes it 0 where exp(z) = y, which depends on the label alone: half the deviance.
// So it is never below 0, and losses can be weighed against each other. logits: [n, outputs]; labels: [n, label width],
// transformed (TransformLabel); weights: [n], 0 where there is no label. labelled: how many weights are not 0, at
// least 1. A scalar.
torch::Tensor TaskLoss(const TaskSpec& task, const torch::Tensor& logits, const torch::Tensor& labels,
                       const torch::Tensor& weights, int64_t labelled);

// What the network fits instead of a regression's or forecast's label: (f(label) - center) / scale, f = log1p or
// nothing. Other labels stay as they are.
float TransformLabel(const TaskSpec& task, const LabelScale& scale, float label);

// Logits turned into what evaluation uses: probabilities, or f(label)'s scale. [n, outputs]
torch::Tensor EvaluatedScores(const TaskSpec& task, const LabelScale& scale, const torch::Tensor& logits);

// Logits turned into what callers get: probabilities, or the label's own unit. [n, outputs]
torch::Tensor ServedScores(const TaskSpec& task, const LabelScale& scale, const torch::Tensor& logits);

}  // namespace polyscene
