// What polyscene-train does.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/feature/hash_key.h"
#include "model/offline/example_files.h"
#include "model/offline/train_flags.h"

namespace polyscene {

// Rows from elsewhere than files, which this room knows nothing of.
struct TrainSources {
  // --from_log: the events of the data directory `selection.paths` names, as rows of `spec`. As OpenRows().
  std::function<absl::StatusOr<std::unique_ptr<ExampleRows>>(std::shared_ptr<const ModelSpec> spec, const HashKey& key,
                                                             const RowSelection& selection, RefusedRows* refused)>
      open_log;
};

// Trains, or uses or prints a checkpoint, as `flags` say. Results go to `out` (with flags.json: one JSON object, and
// nothing else), everything else to `log`.
//   kAborted  interrupted; `log` has said what was kept and how to go on
//   otherwise what went wrong: nothing half written stays
absl::Status RunTrainProgram(const TrainFlags& flags, const TrainSources& sources, std::ostream& out,
                             std::ostream& log);

}  // namespace polyscene
