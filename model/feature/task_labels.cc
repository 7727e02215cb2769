#include "model/feature/task_labels.h"

#include <algorithm>

namespace polyscene {
namespace {

bool InRange(const TaskSpec& task, const float* values) {
  if (!task.has_range) return true;
  return std::all_of(values, values + task.label_width,
                     [&task](float v) { return v >= task.range_min && v <= task.range_max; });
}

void CollectTask(const TaskSpec& task, const LabelsView& view, const ExampleSlice& slice, int64_t first_row,
                 TaskLabels& labels) {
  const uint32_t* missing = std::lower_bound(view.missing.begin(), view.missing.end(), slice.begin);
  for (int64_t r = slice.begin; r < slice.end; ++r) {
    if (missing != view.missing.end() && static_cast<int64_t>(*missing) == r) {
      ++missing;
      continue;
    }
    const float* from = &view.values[r * task.label_width];
    if (!InRange(task, from)) continue;
    const int64_t row = first_row + r - slice.begin;
    std::copy_n(from, task.label_width, &labels.values[row * task.label_width]);
    const float weight = slice.examples->weights.empty() ? 1.0f : slice.examples->weights[r];
    labels.weights[row] = weight;
    labels.labelled.push_back(row);
    if (weight != 0) ++labels.weighted;
  }
}

}  // namespace

int64_t CollectLabels(const ModelSpec& spec, absl::Span<const ExampleSlice> slices, std::vector<TaskLabels>& labels) {
  int64_t rows = 0;
  for (const ExampleSlice& slice : slices) rows += slice.end - slice.begin;
  labels.resize(spec.tasks().size());
  for (size_t t = 0; t < labels.size(); ++t) {
    labels[t].values.assign(rows * spec.tasks()[t].label_width, 0.0f);
    labels[t].weights.assign(rows, 0.0f);
    labels[t].labelled.clear();
    labels[t].weighted = 0;
  }
  int64_t first_row = 0;
  for (const ExampleSlice& slice : slices) {
    for (const LabelsView& view : slice.examples->labels) {
      const int task = spec.FindTask(view.task);
      if (task >= 0) CollectTask(spec.tasks()[task], view, slice, first_row, labels[task]);
    }
    first_row += slice.end - slice.begin;
  }
  return rows;
}

}  // namespace polyscene
