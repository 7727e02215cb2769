// Scores a file of rows into a file of scores.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "model/feature/hash_key.h"
#include "model/offline/refused_rows.h"
#include "model/serving/row_scorer.h"
#include "model/serving/snapshot.h"
#include "model/spec/model_spec.h"

namespace polyscene {

struct ScoreFileOptions {
  std::string path;           // Features by column name, as training files have them; labels are not looked at.
  std::string scene;          // Of rows that do not say theirs; empty: the model's only one.
  std::filesystem::path out;  // There whole when done, not at all before.
};

struct ScoredFile {
  int64_t rows = 0;      // Written: one for each row of the file, in its order.
  int64_t unscored = 0;  // Of these, rows that could not be scored: their `error` says why.
};

// Writes CSV: `line` (of the row in its file), `scene`, the request id where the model file names its column and the
// file has it, one column a task's output (`click`, or `demand[0]`, ...; in the label's own unit; empty in scenes
// without the task), `ranking` where a scene ranks, and `error`.
//   EventReader::Open's, RowScorer's and NewFile's errors
//   kInvalidArgument  there is no such scene, or no row
//   kCancelled        `progress`, told the fraction read now and then, said so
absl::StatusOr<ScoredFile> ScoreFile(std::shared_ptr<const ModelSpec> spec, const HashKey& key,
                                     const Snapshot& snapshot, RowScorer& scorer, const ScoreFileOptions& options,
                                     RefusedRows& refused, const std::function<bool(int64_t, double)>& progress);

}  // namespace polyscene
