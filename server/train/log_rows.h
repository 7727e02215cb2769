// The events that a data directory retains, as training rows of any model file.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "model/feature/hash_key.h"
#include "model/offline/example_files.h"
#include "model/offline/refused_rows.h"
#include "model/spec/model_spec.h"
#include "server/eventlog/read_only_log.h"

namespace polyscene {

// Events as they were logged under another model file, matched by name: scenes, features and tasks that `spec` does not
// have are passed over, what it has and the events lack is missing; values are converted where a feature's type is
// another one. A row that lacks a required feature, or whose label cannot be its task's, is refused, its offset
// standing for a line. Beside a live server too. Not thread-safe.
class LogRows : public ExampleRows {
 public:
  // selection.paths: the data directory alone. refused: as OpenRows().
  //   kNotFound            the directory holds no event log
  //   kFailedPrecondition  personal values in it were hashed under another key than `key`
  static absl::StatusOr<std::unique_ptr<ExampleRows>> Open(std::shared_ptr<const ModelSpec> spec, const HashKey& key,
                                                           const RowSelection& selection, RefusedRows* refused);

  absl::StatusOr<bool> Next(ExampleChunk* chunk) override;  // kDataLoss: a record cannot be read.
  double fraction_read() const override;                    // Of offsets.

 private:
  LogRows(std::shared_ptr<const ModelSpec> spec, RowSelection selection, RefusedRows* refused,
          std::unique_ptr<ReadOnlyLog> log)
      : spec_(std::move(spec)), selection_(std::move(selection)), refused_(refused), log_(std::move(log)) {}

  const std::shared_ptr<const ModelSpec> spec_;
  const RowSelection selection_;
  RefusedRows* const refused_;
  const std::unique_ptr<ReadOnlyLog> log_;
};

}  // namespace polyscene
