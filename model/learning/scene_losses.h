// A step's joint loss, scene by scene.
#pragma once

#include <torch/types.h>

#include <vector>

#include "absl/types/span.h"
#include "model/balance/joint_loss.h"
#include "model/feature/statistics.h"
#include "model/feature/task_labels.h"
#include "model/network/network.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// For each scene that has labels in the step: the sum over its tasks of weight x mean loss over its own rows. scenes:
// [rows] of the batch; statistics: that labels are standardized by; logits: [wanted], as Network::Forward() gives them;
// task_weights: [tasks].
std::vector<LossTerm> SceneLosses(const ModelSpec& spec, const FeatureStatistics& statistics,
                                  absl::Span<const int32_t> scenes, const std::vector<TaskLabels>& labels,
                                  absl::Span<const WantedTask> wanted, absl::Span<const torch::Tensor> logits,
                                  absl::Span<const double> task_weights);

}  // namespace polyscene
