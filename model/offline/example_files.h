// Labelled rows of CSV files, one file after the other.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/data/event_reader.h"
#include "model/feature/hash_key.h"
#include "model/offline/refused_rows.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Which rows of which files.
struct RowSelection {
  std::vector<std::string> paths;  // At least one.
  // Event times in [from, until). A row whose time is not known counts as of 1970.
  int64_t from_micros = std::numeric_limits<int64_t>::min();
  int64_t until_micros = std::numeric_limits<int64_t>::max();
};

// Rows of one scene, checked, their personal values hashed.
struct ExampleChunk {
  EventTable table;
  std::vector<std::pair<int64_t, int64_t>> ranges;  // [begin, end) of good and wanted rows; ascending, none empty.
};

// Streams the files: memory does not follow their length. The same files give the same chunks, every time. Not
// thread-safe.
class ExampleFiles {
 public:
  // refused: told of each bad row; null: nobody is. It outlives this object.
  ExampleFiles(std::shared_ptr<const ModelSpec> spec, HashKey key, RowSelection selection, RefusedRows* refused);

  // Moves the next chunk in; false at the end. EventReader::Open's and EventReader::Next's errors.
  absl::StatusOr<bool> Next(ExampleChunk* chunk);

  double fraction_read() const;  // Of all files' stored bytes, about.

 private:
  absl::Status OpenNext();
  void KeepWanted(const std::vector<std::pair<int64_t, int64_t>>& good, ExampleChunk* chunk) const;

  const std::shared_ptr<const ModelSpec> spec_;
  const HashKey key_;
  const RowSelection selection_;
  RefusedRows* const refused_;
  size_t opened_ = 0;  // Files.
  std::unique_ptr<EventReader> reader_;
};

// Opens each file and compares what it has of the model's columns with the first file's.
//   EventReader::Open's errors
//   kInvalidArgument  "-", which can be read but once, or files with different columns; names them
absl::Status CheckSameColumns(const ModelSpec& spec, const std::vector<std::string>& paths);

// Tasks of which the file (its columns; CheckSameColumns() found it good) has no label column, and features that it
// does not have: "task 'churn'", "feature 'age'".
absl::StatusOr<std::vector<std::string>> AbsentColumns(const ModelSpec& spec, const std::string& path);

}  // namespace polyscene
