#include "model/feature/label_check.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/spec/names.h"

namespace polyscene {
namespace {

constexpr double kMaxTransformedLabel = 1e6;  // Its squared error and that one's square stay far from a float's limit.
constexpr float kMaxWeight = 1e4f;            // Likewise.
constexpr int64_t kMinTimeMicros = -62'135'596'800'000'000;  // 0001-01-01T00:00:00Z
constexpr int64_t kMaxTimeMicros = 253'402'300'799'999'999;  // 9999-12-31T23:59:59.999999Z

// Of the scene; null: of the model file.
std::vector<std::string> TaskNames(const ModelSpec& spec, const SceneSpec* scene) {
  std::vector<std::string> names;
  if (scene == nullptr) {
    for (const TaskSpec& task : spec.tasks()) names.push_back(task.name);
  } else {
    for (const int task : scene->tasks) names.push_back(spec.tasks()[task].name);
  }
  return names;
}

// What a regression's or forecast's label should have been; empty if the network can fit it: one absurd value must not
// be able to drown what all others teach.
std::string ExpectedOfTransform(const TaskSpec& task, double label) {
  const double transformed = ((task.log1p ? std::log1p(label) : label) - task.center) / task.scale;
  if (std::abs(transformed) <= kMaxTransformedLabel) return "";
  return absl::StrCat("one that its transform, center ", task.center, " and scale ", task.scale, ", brings within ",
                      kMaxTransformedLabel, " of 0 (or `missing_outside` in the model file)");
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
      if (task.log1p && label < 0) return "0 or more, for its transform is log1p";
      if (task.poisson && label < 0) return "0 or more, for its loss is poisson";
      return ExpectedOfTransform(task, label);
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

std::optional<BatchError> CheckLabelShapes(const ModelSpec& spec, const SceneSpec* scene,
                                           const ExamplesView& examples) {
  std::vector<bool> seen(spec.tasks().size());
  for (const LabelsView& labels : examples.labels) {
    const int index = spec.FindTask(labels.task);
    if (index < 0 || (scene != nullptr && !scene->has_task[index])) {
      const std::string place = scene == nullptr ? "in the model file" : absl::StrCat("of scene '", scene->name, "'");
      return BatchError{"unknown_task", absl::StrCat("labels: task ", Quoted(labels.task), " is not ", place,
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

bool LabelIsInRange(const TaskSpec& task, float label) {
  return std::isfinite(label) && ExpectedLabel(task, label).empty();
}

void CheckLabels(const ModelSpec& spec, const ExamplesView& examples, RowErrors& errors) {
  for (const LabelsView& labels : examples.labels) {
    CheckTask(spec.tasks()[spec.FindTask(labels.task)], labels, examples.rows(), errors);
  }
  for (size_t row = 0; row < examples.weights.size() && !errors.full(); ++row) {
    const float weight = examples.weights[row];
    if (weight >= 0 && weight <= kMaxWeight) continue;
    errors.Add(row, std::isfinite(weight) ? "out_of_range" : "not_finite", [&] {
      return absl::StrCat("weight, row ", row, ": got ", weight, ", expected a number from 0 to ", kMaxWeight);
    });
  }
  for (size_t row = 0; row < examples.event_times_micros.size() && !errors.full(); ++row) {
    const int64_t time = examples.event_times_micros[row];
    if (time >= kMinTimeMicros && time <= kMaxTimeMicros) continue;
    errors.Add(row, "out_of_range", [&] {
      return absl::StrCat("event time, row ", row, ": got ", time,
                          ", expected microseconds since 1970 within the years 1 to 9999");
    });
  }
}

}  // namespace polyscene
