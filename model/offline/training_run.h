// polyscene-train --train and --from_log: from rows to a checkpoint.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "model/learning/offline_learner.h"
#include "model/offline/file_evaluation.h"
#include "model/offline/model_training.h"
#include "model/offline/run_context.h"
#include "model/offline/run_curves.h"
#include "model/offline/tensorboard_log.h"
#include "model/offline/train_program.h"
#include "model/offline/training_rows.h"

namespace polyscene {

// Everything that can be wrong is found before the first step: the files are read once for that and for the statistics.
// The checkpoint is written before the test rows are scored. Used once.
class TrainingRun {
 public:
  // All outlive this object.
  TrainingRun(const TrainFlags& flags, const TrainSources& sources, std::ostream& out, std::ostream& log);

  absl::Status Run();  // Errors as RunTrainProgram().

 private:
  absl::Status AddObservers();
  absl::Status Train();
  absl::Status Interrupted();
  absl::Status Evaluate();
  absl::Status Report(bool interrupted);
  absl::Status WritePage(bool interrupted) const;

  const TrainFlags& flags_;
  const TrainSources& sources_;
  std::ostream& out_;
  RunContext context_;
  std::shared_ptr<const ModelSpec> spec_;
  LearnerOptions options_;
  std::filesystem::path directory_;
  std::unique_ptr<OfflineLearner> learner_;
  std::unique_ptr<TrainingRows> rows_;
  std::unique_ptr<ModelTraining> training_;
  std::unique_ptr<TensorboardLog> tensorboard_;  // Null: not asked for.
  std::unique_ptr<RunCurves> curves_;            // Likewise, for the page.
  std::optional<FileEvaluation> evaluation_;
};

}  // namespace polyscene
