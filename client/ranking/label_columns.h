// Where the labels stand in a file's rows.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "client/ranking/row_stream.h"
#include "model/spec/model_spec.h"

namespace polyscene::cli {

class LabelColumns {
 public:
  // kInvalidArgument: the file has the labels of no task, or some columns of a forecast and not the others.
  static absl::StatusOr<LabelColumns> Find(std::shared_ptr<const ModelSpec> spec, const RowStream& rows);

  bool Has(int task) const { return !columns_[task].empty(); }

  // Reads the task's label in `row` into `label`: [label_width], in the label's own unit. False where there is none, or
  // it is outside what the model file takes as a label (missing_outside), or does not count by another's
  // (defined_when).
  //   kInvalidArgument  it is no label of the task; names the line
  absl::StatusOr<bool> Read(int task, const RowSet::Row& row, std::vector<float>& label) const;

 private:
  absl::StatusOr<bool> ReadOwn(int task, const RowSet::Row& row, std::vector<float>& label) const;

  std::shared_ptr<const ModelSpec> spec_;
  std::string source_;
  std::vector<std::vector<int>> columns_;  // [tasks][label_width] of the rows, or empty: not in the file.
};

// A row's number in a column: NaN where it is missing. kInvalidArgument: it is no number; names line and column.
absl::StatusOr<float> ReadNumber(const RowStream& rows, int column, const RowSet::Row& row);

}  // namespace polyscene::cli
