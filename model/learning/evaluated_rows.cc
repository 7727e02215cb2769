#include "model/learning/evaluated_rows.h"

#include <algorithm>

#include "model/feature/label_scale.h"

namespace polyscene {

EvaluatedRows::EvaluatedRows(const ModelSpec& spec, absl::Span<const ExampleSlice> slices,
                             const std::vector<TaskLabels>& labels, ProducerEvaluations& opened)
    : spec_(spec), slices_(slices), labels_(labels) {
  int64_t count = 0;
  for (const ExampleSlice& slice : slices) count += slice.end - slice.begin;
  event_micros_.reserve(count);
  int64_t first = 0;
  for (const ExampleSlice& slice : slices) {
    const absl::Span<const int64_t> event_times = slice.examples->event_times_micros;
    for (int64_t r = slice.begin; r < slice.end; ++r) event_micros_.push_back(event_times.empty() ? 0 : event_times[r]);
    ProducerEvaluations::Opened* const of_producer = opened.Find(slice.producer);
    const absl::Span<const uint32_t> corrections = slice.examples->corrections;
    if (of_producer != nullptr || !corrections.empty()) rows_.resize(count);
    for (int64_t r = slice.begin; of_producer != nullptr && r < slice.end; ++r) {
      const bool counts =
          of_producer->from_micros <= 0 || (!event_times.empty() && event_times[r] >= of_producer->from_micros);
      if (counts) rows_[first + r - slice.begin].opened = of_producer;
    }
    for (const uint32_t r : corrections) {
      if (r >= slice.begin && r < slice.end) rows_[first + r - slice.begin].corrects = true;
    }
    first += slice.end - slice.begin;
  }
}

void EvaluatedRows::LabelOf(int task, int64_t row, std::vector<float>& label) const {
  const TaskSpec& spec = spec_.tasks()[task];
  label.resize(spec.label_width);
  for (int k = 0; k < spec.label_width; ++k) {
    label[k] = EvaluatedLabel(spec, labels_[task].values[row * spec.label_width + k]);
  }
}

void EvaluatedRows::AddServed(EvaluationWindow& window) const {
  int64_t first = 0;
  for (const ExampleSlice& slice : slices_) {
    if (!slice.examples->served.empty()) AddServed(slice, first, window);
    first += slice.end - slice.begin;
  }
}

void EvaluatedRows::AddServed(const ExampleSlice& slice, int64_t first_row, EvaluationWindow& window) const {
  const int scene = spec_.FindScene(slice.examples->scene);
  if (scene < 0) return;
  const int64_t end_row = first_row + slice.end - slice.begin;
  std::vector<float> label;
  std::vector<float> score;
  for (const ServedView& served : slice.examples->served) {
    const int t = spec_.FindTask(served.task);
    if (t < 0) continue;
    const TaskSpec& task = spec_.tasks()[t];
    // A log may hold what another model file's task of this name served.
    const auto size = static_cast<size_t>(slice.examples->rows() * task.outputs);
    if (served.values.size() != size) continue;
    const std::vector<int64_t>& labelled = labels_[t].labelled;
    for (auto it = std::lower_bound(labelled.begin(), labelled.end(), first_row); it != labelled.end() && *it < end_row;
         ++it) {
      const int64_t row = *it - first_row + slice.begin;  // Of the slice's table.
      const bool missing = std::binary_search(served.missing.begin(), served.missing.end(), row);
      if (missing || corrects(*it)) continue;
      score.assign(served.values.begin() + row * task.outputs, served.values.begin() + (row + 1) * task.outputs);
      for (float& value : score) value = EvaluatedLabel(task, value);
      LabelOf(t, *it, label);
      window.Add(scene, t, score, label);
      if (opened(*it) != nullptr) opened(*it)->served.Add(scene, t, score, label);
    }
  }
}

}  // namespace polyscene
