#include "model/feature/label_scale.h"

#include <cmath>

namespace polyscene {

LabelScale ScaleOf(const TaskSpec& task, const FeatureStatistics& statistics) {
  if (!task.standardize) return {task.center, task.scale};
  const RunningStatistics& seen = statistics.entries[task.statistics];
  if (seen.count < 2) return {};
  const double deviation = seen.deviation();
  return {seen.mean, deviation > 0 ? deviation : 1};
}

bool HasScale(const TaskSpec& task, const FeatureStatistics& statistics) {
  return !task.standardize || statistics.entries[task.statistics].count >= 2;
}

void ObserveLabels(const ModelSpec& spec, const std::vector<TaskLabels>& labels, FeatureStatistics& statistics) {
  for (size_t t = 0; t < labels.size(); ++t) {
    const TaskSpec& task = spec.tasks()[t];
    if (!task.standardize) continue;
    for (const int64_t row : labels[t].labelled) {
      if (!(labels[t].weights[row] > 0)) continue;
      for (int i = 0; i < task.label_width; ++i) {
        statistics.entries[task.statistics].Add(EvaluatedLabel(task, labels[t].values[row * task.label_width + i]));
      }
    }
  }
}

float EvaluatedLabel(const TaskSpec& task, float label) {
  return task.log1p ? static_cast<float>(std::log1p(static_cast<double>(label))) : label;
}

}  // namespace polyscene
