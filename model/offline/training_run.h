// polyscene-train --train and --from_log: from rows to a checkpoint.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "model/learning/offline_learner.h"
#include "model/offline/epoch_trainer.h"
#include "model/offline/file_evaluation.h"
#include "model/offline/file_survey.h"
#include "model/offline/run_context.h"
#include "model/offline/train_program.h"

namespace polyscene {

// Everything that can be wrong is found before the first step: the files are read once for that and for the statistics.
// The checkpoint is written before the test rows are scored. Used once.
class TrainingRun {
 public:
  // All outlive this object.
  TrainingRun(const TrainFlags& flags, const TrainSources& sources, std::ostream& out, std::ostream& log);

  absl::Status Run();  // Errors as RunTrainProgram().

 private:
  void ChooseRows();
  absl::Status CheckFiles();
  absl::StatusOr<FileSurvey> Survey(const char* what, const RowSelection& selection, RefusedRows* refused);
  absl::Status SurveyAll();
  absl::Status CheckLabels();
  void ChooseStatistics();
  absl::Status Train();
  absl::Status Interrupted();
  absl::Status Evaluate();
  void Report(bool interrupted);

  const TrainFlags& flags_;
  const TrainSources& sources_;
  std::ostream& out_;
  RunContext context_;
  std::shared_ptr<const ModelSpec> spec_;
  LearnerOptions options_;
  RowSelection train_rows_;
  RowSelection test_rows_;  // No path: nothing is evaluated.
  std::filesystem::path directory_;
  std::unique_ptr<OfflineLearner> learner_;
  FileSurvey train_survey_;
  FileSurvey test_survey_;
  std::vector<EpochReport> epochs_;
  std::optional<FileEvaluation> evaluation_;
  double seconds_ = 0;  // Of all epochs.
};

}  // namespace polyscene
