// polyscene-train --tensorboard: how training goes, for TensorBoard.
#pragma once

#include <filesystem>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/offline/training_observer.h"
#include "model/report/event_file.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// The steps of all curves are rows learned over the learner's lifetime, so that a run that goes on from a checkpoint
// goes on to the right of the one before. Tags:
//   train_loss/joint, train_loss/TASK   of the rows learned since the point before, each scored before it was learned
//   test_loss/joint, test_loss/TASK
//   METRIC/TASK/SCENE                   of the test rows; "*": all scenes together
//   speed/rows_per_second, table_rows/TABLE
//   weights/MATRIX, gradients/MATRIX    histograms, the gradients of one step, 25 times a run and after each epoch
class TensorboardLog : public TrainingObserver {
 public:
  // A new file in `directory`. EventFile::Create()'s errors.
  static absl::StatusOr<std::unique_ptr<TensorboardLog>> Create(const std::filesystem::path& directory,
                                                                std::shared_ptr<const ModelSpec> spec);

  void OnBegin(const OfflineLearner& learner) override;
  void OnLosses(const LossPoint& point, const OfflineLearner& learner) override;
  void OnEpoch(int epoch, const EpochReport& report, const OfflineLearner& learner) override;
  void OnEvaluation(double epochs, const FileEvaluation& evaluation, const OfflineLearner& learner) override;

  // Training goes on where the file cannot be written; whoever began it asks at the end. EventFile::Flush()'s error.
  absl::Status Finish() { return file_->Flush(); }
  const std::filesystem::path& path() const { return file_->path(); }

 private:
  TensorboardLog(std::shared_ptr<const ModelSpec> spec, std::unique_ptr<EventFile> file);

  void AddLosses(absl::string_view group, double loss, const std::vector<double>& task_losses, int64_t step);
  void AddMatrices(const OfflineLearner& learner);

  const std::shared_ptr<const ModelSpec> spec_;
  const std::unique_ptr<EventFile> file_;
  int points_ = 0;
};

}  // namespace polyscene
