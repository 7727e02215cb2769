#include "client/ranking/label_columns.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/data/field_parser.h"

namespace polyscene::cli {
namespace {

// What a label should have been; null if it is one.
const char* ExpectedLabel(const TaskSpec& task, float value) {
  switch (task.kind) {
    case TaskSpec::Kind::kBinary:
      return value == 0 || value == 1 ? nullptr : "0 or 1";
    case TaskSpec::Kind::kMultiClass:
      return value >= 0 && value < static_cast<float>(task.outputs) && value == std::floor(value)
                 ? nullptr
                 : "the number of one of its classes";
    case TaskSpec::Kind::kRegression:
    case TaskSpec::Kind::kForecast:
      return task.log1p && value < 0 ? "0 or more, for its transform is log1p" : nullptr;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<LabelColumns> LabelColumns::Find(std::shared_ptr<const ModelSpec> spec, const RowStream& rows) {
  LabelColumns labels;
  labels.source_ = rows.source();
  std::vector<std::string> expected;
  bool any = false;
  for (const TaskSpec& task : spec->tasks()) {
    std::vector<int>& columns = labels.columns_.emplace_back();
    std::vector<std::string> absent;
    for (const std::string& name : task.columns) {
      columns.push_back(rows.Find(name));
      if (columns.back() < 0) absent.push_back(name);
      expected.push_back(name);
    }
    if (!absent.empty() && absent.size() < columns.size()) {
      return absl::InvalidArgumentError(absl::StrCat(rows.source(), ": has some columns of task '", task.name,
                                                     "' but not ", absl::StrJoin(absent, ", ")));
    }
    if (!absent.empty()) columns.clear();
    any |= absent.empty();
  }
  if (!any) {
    return absl::InvalidArgumentError(absl::StrCat(rows.source(), ": has the labels of no task, expected some of ",
                                                   absl::StrJoin(expected, ", "),
                                                   ". It has: ", absl::StrJoin(rows.names(), ", ")));
  }
  labels.spec_ = std::move(spec);
  return labels;
}

absl::StatusOr<bool> LabelColumns::Read(int task_index, const RowSet::Row& row, std::vector<float>& label) const {
  const TaskSpec& task = spec_->tasks()[task_index];
  if (task.defined_when >= 0) {
    const absl::StatusOr<bool> labelled = Has(task.defined_when) ? ReadOwn(task.defined_when, row, label) : false;
    if (!labelled.ok() || !*labelled || (label[0] == 0) != task.defined_when_negative) {
      label.clear();
      return labelled.ok() ? false : labelled;
    }
  }
  return ReadOwn(task_index, row, label);
}

absl::StatusOr<bool> LabelColumns::ReadOwn(int task_index, const RowSet::Row& row, std::vector<float>& label) const {
  const TaskSpec& task = spec_->tasks()[task_index];
  label.clear();
  for (const int column : columns_[task_index]) {
    const Cell& cell = row.cells[column];
    if (cell.missing) return false;
    float value = 0;
    const char* expected = "a finite number";
    if (!cell.is_list && ParseFloat(cell.text, &value)) {
      if (task.has_range && (value < task.range_min || value > task.range_max)) return false;
      expected = ExpectedLabel(task, value);
    }
    if (expected != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(source_, ": line ", row.line, ": label of task '", task.name,
                                                     "': got '", cell.is_list ? "an array" : cell.text, "', expected ",
                                                     expected));
    }
    label.push_back(value);
  }
  return true;
}

absl::StatusOr<float> ReadNumber(const RowStream& rows, int column, const RowSet::Row& row) {
  const Cell& cell = row.cells[column];
  if (cell.missing) return std::numeric_limits<float>::quiet_NaN();
  float value = 0;
  if (!cell.is_list && ParseFloat(cell.text, &value)) return value;
  return absl::InvalidArgumentError(absl::StrCat(rows.source(), ": line ", row.line, ": column '", rows.names()[column],
                                                 "': got '", cell.is_list ? "an array" : cell.text,
                                                 "', expected a number"));
}

}  // namespace polyscene::cli
