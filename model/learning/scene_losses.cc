#include "model/learning/scene_losses.h"

#include <torch/torch.h>

#include "model/loss/label_loss.h"

namespace polyscene {
namespace {

// The labels of one scene's rows, the others' weights 0.
TaskLabels OfScene(const TaskLabels& labels, absl::Span<const int32_t> scenes, int scene) {
  TaskLabels kept = labels;
  kept.weighted = 0;
  for (const int64_t row : labels.labelled) {
    if (scenes[row] != scene) kept.weights[row] = 0;
    if (kept.weights[row] != 0) ++kept.weighted;
  }
  return kept;
}

}  // namespace

std::vector<LossTerm> SceneLosses(const ModelSpec& spec, const FeatureStatistics& statistics,
                                  absl::Span<const int32_t> scenes, const std::vector<TaskLabels>& labels,
                                  absl::Span<const WantedTask> wanted, absl::Span<const torch::Tensor> logits,
                                  absl::Span<const double> task_weights) {
  std::vector<LossTerm> losses;
  for (int scene = 0; scene < static_cast<int>(spec.scenes().size()); ++scene) {
    torch::Tensor joint;
    for (size_t w = 0; w < wanted.size(); ++w) {
      const int task = wanted[w].task;
      if (!spec.scenes()[scene].has_task[task] || spec.tasks()[task].evaluate_only) continue;
      const TaskLabels of_scene = OfScene(labels[task], scenes, scene);
      if (of_scene.weighted == 0 || !HasScale(spec.tasks()[task], statistics)) continue;
      const LabelScale scale = ScaleOf(spec.tasks()[task], statistics);
      const torch::Tensor loss =
          LabelLoss(spec.tasks()[task], scale, of_scene, wanted[w].rows, logits[w]) * task_weights[task];
      joint = joint.defined() ? joint + loss : loss;
    }
    if (joint.defined()) losses.push_back({scene, joint});
  }
  return losses;
}

}  // namespace polyscene
