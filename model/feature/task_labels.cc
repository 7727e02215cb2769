#include "model/feature/task_labels.h"

#include <algorithm>
#include <iterator>
#include <utility>

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

// Rows whose label of `task`, number t, counts, as the labels of its condition say that came with them.
std::vector<int64_t> DefinedRows(int t, const TaskSpec& task, const std::vector<TaskLabels>& labels) {
  const TaskLabels& condition = labels[task.defined_when];
  const float wanted = task.defined_when_negative ? 0.0f : 1.0f;
  std::vector<int64_t> both;
  const std::vector<int64_t>& own = labels[t].labelled;
  std::set_intersection(own.begin(), own.end(), condition.labelled.begin(), condition.labelled.end(),
                        std::back_inserter(both));
  both.erase(std::remove_if(both.begin(), both.end(), [&](int64_t row) { return condition.values[row] != wanted; }),
             both.end());
  return both;
}

void KeepRows(std::vector<int64_t> kept, int label_width, TaskLabels& labels) {
  for (const int64_t row : labels.labelled) {
    if (std::binary_search(kept.begin(), kept.end(), row)) continue;
    std::fill_n(&labels.values[row * label_width], label_width, 0.0f);
    if (labels.weights[row] != 0) --labels.weighted;
    labels.weights[row] = 0;
  }
  labels.labelled = std::move(kept);
}

// All conditions are looked at before any label is taken out: a label that does not count decides all the same.
void MaskLabels(const ModelSpec& spec, std::vector<TaskLabels>& labels) {
  std::vector<std::pair<int, std::vector<int64_t>>> kept;
  for (int t = 0; t < static_cast<int>(labels.size()); ++t) {
    if (spec.tasks()[t].defined_when >= 0) kept.emplace_back(t, DefinedRows(t, spec.tasks()[t], labels));
  }
  for (auto& [t, rows] : kept) KeepRows(std::move(rows), spec.tasks()[t].label_width, labels[t]);
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
  MaskLabels(spec, labels);
  return rows;
}

}  // namespace polyscene
