#include "model/feature/fit_examples.h"

#include <algorithm>
#include <cmath>

#include "model/feature/label_check.h"

namespace polyscene {
namespace {

// Each row has either as many values as the feature's vectors, or none.
bool VectorsFit(const FeatureSpec& feature, const ColumnView& column) {
  return std::all_of(column.lengths.begin(), column.lengths.end(), [&](uint32_t length) {
    return length == 0 || length == static_cast<uint32_t>(feature.vector_length);
  });
}

bool ColumnFits(const ModelSpec& spec, const ColumnView& column, int64_t rows) {
  const int index = spec.FindFeature(column.name);
  if (index < 0) return false;
  const FeatureSpec& feature = spec.features()[index];
  const bool empty_sequences = feature.sequence && column.value_count() == 0;  // Its type cannot be told.
  const ValueType type = feature.personal ? ValueType::kInt64 : feature.type;  // Personal values are logged as hashes.
  if (column.type != type && !empty_sequences) return false;
  if (feature.sequence && static_cast<int64_t>(column.lengths.size()) != rows) return false;
  if (feature.vector_length > 0) return VectorsFit(feature, column);
  if (feature.sequence) return true;
  return column.lengths.empty() && column.value_count() == rows;
}

// The task, if the scene has it; else null.
const TaskSpec* TaskOf(const ModelSpec& spec, const SceneSpec& scene, absl::string_view name) {
  const int index = spec.FindTask(name);
  return index >= 0 && scene.has_task[index] ? &spec.tasks()[index] : nullptr;
}

bool LabelsFit(const TaskSpec& task, const LabelsView& labels, int64_t rows) {
  if (static_cast<int64_t>(labels.values.size()) != rows * task.label_width) return false;
  const uint32_t* missing = labels.missing.begin();
  for (int64_t row = 0; row < rows; ++row) {
    if (missing != labels.missing.end() && static_cast<int64_t>(*missing) == row) {
      ++missing;
      continue;
    }
    for (int i = 0; i < task.label_width; ++i) {
      if (!LabelIsInRange(task, labels.values[row * task.label_width + i])) return false;
    }
  }
  return true;
}

template <typename T, typename Fits>
void KeepIf(std::vector<T>& values, Fits&& fits) {
  values.erase(std::remove_if(values.begin(), values.end(), [&](const T& value) { return !fits(value); }),
               values.end());
}

}  // namespace

bool FitExamples(const ModelSpec& spec, ExamplesView& examples) {
  const int scene_index = spec.FindScene(examples.scene);
  if (scene_index < 0) return false;
  const SceneSpec& scene = spec.scenes()[scene_index];
  const int64_t rows = examples.rows();
  KeepIf(examples.features.columns, [&](const ColumnView& column) { return ColumnFits(spec, column, rows); });
  KeepIf(examples.labels, [&](const LabelsView& labels) {
    const TaskSpec* task = TaskOf(spec, scene, labels.task);
    return task != nullptr && LabelsFit(*task, labels, rows);
  });
  KeepIf(examples.served, [&](const ServedView& served) {
    const TaskSpec* task = TaskOf(spec, scene, served.task);
    return task != nullptr && static_cast<int64_t>(served.values.size()) == rows * task->outputs;
  });
  return true;
}

}  // namespace polyscene
