#include "model/feature/label_check.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/spec/names.h"

namespace polyscene {
namespace {

std::vector<std::string> TaskNames(const ModelSpec& spec, const SceneSpec& scene) {
  std::vector<std::string> names;
  for (const int task : scene.tasks) names.push_back(spec.tasks()[task].name);
  return names;
}

// What a finite label of `task` should have been; empty if it is in range.
std::string ExpectedLabel(const TaskSpec& task, float label) {
  switch (task.kind) {
    case TaskSpec::Kind::kBinary:
      return label == 0 || label == 1 ? "" : "0 or 1";
    case TaskSpec::Kind::kMultiClass:
      if (label >= 0 && label < task.outputs && label == std::floor(label)) return "";
      return absl::StrCat("a class's number, 0 to ", task.outputs - 1);
    case TaskSpec::Kind::kRegression:
    case TaskSpec::Kind::kForecast:
      // Outside `missing_outside` the label counts as missing, so it need not be fit for the transform.
      if (task.has_range && (label < task.range_min || label > task.range_max)) return "";
      return task.log1p && label < 0 ? "0 or more, for its transform is log1p" : "";
  }
  return "";
}

void CheckTask(const TaskSpec& task, const LabelsView& labels, int64_t rows, RowErrors& errors) {
  MissingRows missing(labels.missing);
  const float* label = labels.values.data();
  for (int64_t row = 0; row < rows && !errors.full(); ++row) {
    for (int i = 0; i < task.label_width; ++i, ++label) {
      const bool finite = std::isfinite(*label);
      std::string expected = finite ? ExpectedLabel(task, *label) : "a finite number";
      if (expected.empty() || missing.Contains(row)) continue;
      errors.Add(row, finite ? "out_of_range" : "not_finite", [&] {
        const std::string output = task.label_width > 1 ? absl::StrCat("[", i, "]") : "";
        return absl::StrCat("label of task '", task.name, "'", output, ", row ", row, ": got ", *label, ", expected ",
                            expected);
      });
    }
  }
}

std::optional<BatchError> CheckCount(absl::string_view what, size_t count, int64_t rows) {
  if (count == 0 || static_cast<int64_t>(count) == rows) return std::nullopt;
  return BatchError{"ragged", absl::StrCat(what, ": got ", count, ", expected ", rows, ", one a row, or none")};
}

}  // namespace

std::optional<BatchError> CheckLabelShapes(const ModelSpec& spec, const SceneSpec& scene,
                                           const ExamplesView& examples) {
  std::vector<bool> seen(spec.tasks().size());
  for (const LabelsView& labels : examples.labels) {
    const int index = spec.FindTask(labels.task);
    if (index < 0 || !scene.has_task[index]) {
      return BatchError{"unknown_task",
                        absl::StrCat("labels: task ", Quoted(labels.task), " is not of scene '", scene.name, "'",
                                     ExpectedName(labels.task, TaskNames(spec, scene)))};
    }
    const TaskSpec& task = spec.tasks()[index];
    const std::string where = absl::StrCat("labels of task '", task.name, "'");
    if (seen[index]) return BatchError{"unknown_task", absl::StrCat(where, ": got them twice, expected once")};
    seen[index] = true;
    const int64_t expected = examples.rows() * task.label_width;
    if (static_cast<int64_t>(labels.values.size()) != expected) {
      return BatchError{"ragged", absl::StrCat(where, ": got ", labels.values.size(), " values, expected ", expected,
                                               ", ", task.label_width, " a row")};
    }
    std::string bad_missing = DescribeBadMissingRows(where, labels.missing, examples.rows());
    if (!bad_missing.empty()) return BatchError{"out_of_range", std::move(bad_missing)};
  }
  std::optional<BatchError> error = CheckCount("weights", examples.weights.size(), examples.rows());
  if (!error) error = CheckCount("event times", examples.event_times_micros.size(), examples.rows());
  return error;
}

void CheckLabels(const ModelSpec& spec, const ExamplesView& examples, RowErrors& errors) {
  for (const LabelsView& labels : examples.labels) {
    CheckTask(spec.tasks()[spec.FindTask(labels.task)], labels, examples.rows(), errors);
  }
  for (size_t row = 0; row < examples.weights.size() && !errors.full(); ++row) {
    const float weight = examples.weights[row];
    if (weight >= 0 && std::isfinite(weight)) continue;
    errors.Add(row, std::isfinite(weight) ? "out_of_range" : "not_finite", [&] {
      return absl::StrCat("weight, row ", row, ": got ", weight, ", expected a finite number of at least 0");
    });
  }
}

}  // namespace polyscene
