// The rows that a run trains and tests on, looked at before its first step.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "model/feature/hash_key.h"
#include "model/learning/offline_learner.h"
#include "model/offline/example_files.h"
#include "model/offline/file_survey.h"
#include "model/offline/run_context.h"
#include "model/offline/train_flags.h"
#include "model/offline/train_program.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Which rows they are follows from the flags; CheckFiles() and Survey(), in this order, find everything that can be
// wrong with them. Not thread-safe.
class TrainingRows {
 public:
  // flags, sources: outlive this object.
  TrainingRows(std::shared_ptr<const ModelSpec> spec, HashKey key, const TrainFlags& flags,
               const TrainSources& sources);

  // By the files' headers alone. kInvalidArgument, or EventReader::Open's errors.
  absl::Status CheckFiles(RunContext& context) const;

  // Reads every row once, telling how far it is.
  //   kInvalidArgument  too many rows were refused, there is no row, or a task whose column is there has no label
  //   kCancelled        interrupted
  //   or ExampleRows' errors
  absl::Status Survey(RunContext& context);

  // Gives a learner the statistics that rows are to be scaled by. A checkpoint's weights were learned under its own, so
  // these stay; a feature that it has never seen gets the training rows'.
  void SetStatistics(OfflineLearner& learner) const;

  const RowSelection& train() const { return train_; }
  const RowSelection& test() const { return test_; }  // No path: nothing is evaluated.
  int64_t train_rows() const { return train_survey_.rows; }
  int64_t test_rows() const { return test_survey_.rows; }

 private:
  absl::StatusOr<FileSurvey> Read(const char* what, const RowSelection& selection, RefusedRows* refused,
                                  RunContext& context) const;
  absl::Status CheckLabels(RunContext& context) const;

  const std::shared_ptr<const ModelSpec> spec_;
  const HashKey key_;
  const TrainFlags& flags_;
  RowSelection train_;
  RowSelection test_;
  FileSurvey train_survey_;
  FileSurvey test_survey_;
};

}  // namespace polyscene
