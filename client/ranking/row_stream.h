// Rows of a file, one at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/ranking/row_reader.h"
#include "model/data/csv_reader.h"

namespace polyscene::cli {

// Reads what ReadRows() reads. Of a CSV file it holds a row at a time; JSON and standard input it holds whole. Not
// thread-safe.
class RowStream {
 public:
  // Errors as ReadRows().
  static absl::StatusOr<std::unique_ptr<RowStream>> Open(const std::string& path);

  // One a cell; of the whole file.
  const std::vector<std::string>& names() const { return rows_.names; }
  const std::string& source() const { return rows_.source; }  // For messages.

  int Find(absl::string_view name) const { return rows_.Find(name); }  // -1 if there is none.

  // False at the end. kInvalidArgument: a line cannot be read; names it.
  absl::StatusOr<bool> Next(RowSet::Row* row);

 private:
  RowSet rows_;                     // Without rows where csv_ is there.
  size_t next_ = 0;                 // Of rows_.
  std::unique_ptr<CsvReader> csv_;  // Null: everything is in rows_.
};

}  // namespace polyscene::cli
