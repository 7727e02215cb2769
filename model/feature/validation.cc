#include "model/feature/validation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/feature/column_check.h"
#include "model/feature/label_check.h"
#include "model/feature/row_errors.h"
#include "model/spec/names.h"

namespace polyscene {
namespace {

absl::Status ToStatus(const BatchError& error) { return absl::InvalidArgumentError(error.message); }

std::optional<BatchError> CheckRows(absl::string_view what, int64_t rows, int64_t max_rows) {
  if (rows >= 1 && rows <= max_rows) return std::nullopt;
  return BatchError{rows < 1 ? "no_rows" : "too_many_rows",
                    absl::StrCat(what, ": got ", rows, " rows, expected 1 to ", max_rows)};
}

// The number of rows of both tables of a request.
std::optional<BatchError> CheckRequestRows(const SceneSpec& scene, const TableView& context,
                                           const TableView& candidates, int64_t max_rows) {
  if (scene.has_candidates) {
    // A context without a column has no row to count, and needs none.
    if (context.rows != 1 && !(context.rows == 0 && context.columns.empty())) {
      return BatchError{"ragged", absl::StrCat("context: got ", context.rows, " rows, expected 1")};
    }
    return CheckRows("candidates", candidates.rows, max_rows);
  }
  if (candidates.rows != 0) {
    return BatchError{"ragged", absl::StrCat("candidates: got ", candidates.rows, " rows, expected none: scene '",
                                             scene.name, "' has no candidate features and scores context rows")};
  }
  return CheckRows("context", context.rows, max_rows);
}

absl::Status CheckTable(const ModelSpec& spec, const SceneSpec& scene, const TableView& table, TableRole role,
                        const ColumnFeatures& features) {
  if (const std::optional<BatchError> error = CheckShapes(spec, scene, table, role, features)) return ToStatus(*error);
  RowErrors errors(table.rows, 1);
  CheckValues(spec, table, role, features, errors);
  const std::vector<RowError> found = errors.Take();
  return found.empty() ? absl::OkStatus() : absl::InvalidArgumentError(found.front().message);
}

// What makes a whole batch unreadable.
std::optional<BatchError> CheckBatch(const ModelSpec& spec, const ExamplesView& examples, int64_t max_rows,
                                     ColumnFeatures& features) {
  if (std::optional<BatchError> error = CheckRows("rows", examples.rows(), max_rows)) return error;
  const int index = spec.FindScene(examples.scene);
  if (index < 0) {
    std::vector<std::string> known;
    for (const SceneSpec& scene : spec.scenes()) known.push_back(scene.name);
    return BatchError{"unknown_scene", absl::StrCat("scene ", Quoted(examples.scene), " is not in the model file",
                                                    ExpectedName(examples.scene, known))};
  }
  const SceneSpec& scene = spec.scenes()[index];
  std::optional<BatchError> error = CheckNames(spec, scene, examples.features, TableRole::kExamples, features);
  if (!error) error = CheckShapes(spec, scene, examples.features, TableRole::kExamples, features);
  if (!error) error = CheckLabelShapes(spec, &scene, examples);
  return error;
}

// A batch without rows gets one error, too: nothing may be refused without a word.
void RefuseAll(const BatchError& error, int64_t rows, std::vector<RowError>& errors) {
  for (int64_t row = 0; row < std::max<int64_t>(rows, 1); ++row) errors.push_back({row, error.reason, error.message});
}

}  // namespace

absl::Status ValidateRequest(const ModelSpec& spec, const SceneSpec& scene, const TableView& context,
                             const TableView& candidates, int64_t max_rows) {
  ColumnFeatures of_context, of_candidates;
  std::optional<BatchError> error = CheckNames(spec, scene, context, TableRole::kContext, of_context);
  if (!error) error = CheckNames(spec, scene, candidates, TableRole::kCandidates, of_candidates);
  if (!error) error = CheckRequestRows(scene, context, candidates, max_rows);
  if (error) return ToStatus(*error);
  const absl::Status status = CheckTable(spec, scene, context, TableRole::kContext, of_context);
  if (!status.ok()) return status;
  return CheckTable(spec, scene, candidates, TableRole::kCandidates, of_candidates);
}

void ValidateExamples(const ModelSpec& spec, const ExamplesView& examples, int64_t max_rows,
                      std::vector<RowError>& errors) {
  ColumnFeatures features;
  if (const std::optional<BatchError> error = CheckBatch(spec, examples, max_rows, features)) {
    return RefuseAll(*error, examples.rows(), errors);
  }
  RowErrors found(examples.rows(), examples.rows());
  CheckValues(spec, examples.features, TableRole::kExamples, features, found);
  CheckLabels(spec, examples, found);
  for (RowError& error : found.Take()) errors.push_back(std::move(error));
}

void ValidateLabels(const ModelSpec& spec, const ExamplesView& labels, int64_t max_rows,
                    std::vector<RowError>& errors) {
  std::optional<BatchError> error = CheckRows("rows", labels.rows(), max_rows);
  if (!error) error = CheckLabelShapes(spec, nullptr, labels);
  if (error) return RefuseAll(*error, labels.rows(), errors);
  RowErrors found(labels.rows(), labels.rows());
  CheckLabels(spec, labels, found);
  for (RowError& row_error : found.Take()) errors.push_back(std::move(row_error));
}

}  // namespace polyscene
