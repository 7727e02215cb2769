// Where training rows come from: files, one after the other, or what the caller brings.
#pragma once

#include <cstdint>
#include <functional>
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

class ExampleRows;

// Which rows of which files.
struct RowSelection {
  std::vector<std::string> paths;  // At least one.
  // Set: rows come from here instead, and `paths` is what messages call it. As OpenRows().
  std::function<absl::StatusOr<std::unique_ptr<ExampleRows>>(const RowSelection& selection, RefusedRows* refused)> open;
  bool evaluated = false;  // Rows that correct others are left out: what they repeat is evaluated already.
  // Event times in [from, until). A row whose time is not known counts as of 1970.
  int64_t from_micros = std::numeric_limits<int64_t>::min();
  int64_t until_micros = std::numeric_limits<int64_t>::max();
};

// Rows of one scene, checked, their personal values hashed.
struct ExampleChunk {
  EventTable table;
  std::vector<std::pair<int64_t, int64_t>> ranges;  // [begin, end) of good and wanted rows; ascending, none empty.
};

// Streams rows: memory does not follow their number. The same source gives the same chunks, every time. Not
// thread-safe.
class ExampleRows {
 public:
  virtual ~ExampleRows() = default;

  // Moves the next chunk in; false at the end. The source's errors.
  virtual absl::StatusOr<bool> Next(ExampleChunk* chunk) = 0;

  virtual double fraction_read() const = 0;  // About.
};

// The rows that `selection` says. refused: told of each bad row; null: nobody is. It outlives them.
absl::StatusOr<std::unique_ptr<ExampleRows>> OpenRows(std::shared_ptr<const ModelSpec> spec, const HashKey& key,
                                                      const RowSelection& selection, RefusedRows* refused);

// Replaces chunk's ranges by the rows of `good` ranges whose time the selection wants.
void KeepWanted(const RowSelection& selection, const std::vector<std::pair<int64_t, int64_t>>& good,
                ExampleChunk* chunk);

class ExampleFiles : public ExampleRows {
 public:
  // refused: told of each bad row; null: nobody is. It outlives this object.
  ExampleFiles(std::shared_ptr<const ModelSpec> spec, HashKey key, RowSelection selection, RefusedRows* refused);

  absl::StatusOr<bool> Next(ExampleChunk* chunk) override;  // EventReader::Open's and EventReader::Next's errors.
  double fraction_read() const override;                    // Of all files' stored bytes.

 private:
  absl::Status OpenNext();

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
