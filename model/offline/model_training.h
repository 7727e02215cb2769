// Epochs of training on prepared rows, then an evaluation: what one run and each run of a comparison do alike.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/learning/offline_learner.h"
#include "model/offline/epoch_trainer.h"
#include "model/offline/file_evaluation.h"
#include "model/offline/run_context.h"
#include "model/offline/train_flags.h"
#include "model/offline/training_observer.h"
#include "model/offline/training_rows.h"

namespace polyscene {

// Not thread-safe.
class ModelTraining {
 public:
  // rows: surveyed. learner: has its statistics. title: what progress is told under, "" or "eshop run 2/3". All but it
  // outlive this object.
  ModelTraining(std::shared_ptr<const ModelSpec> spec, const LearnerOptions& options, const TrainFlags& flags,
                const TrainingRows& rows, OfflineLearner& learner, RunContext& context, std::string title = "");

  // Before Train(). Outlives this object.
  void AddObserver(TrainingObserver& observer) { observers_.push_back(&observer); }

  // Learns the rows in an order that `seed` decides, flags.epochs times or until Interrupted(), which is no error.
  // on_epoch: told the line of each epoch.
  absl::Status Train(uint64_t seed, const std::function<void(const std::string&)>& on_epoch);

  // Scores the test rows, of which there are some. Tells the observers.
  //   kCancelled  interrupted
  absl::StatusOr<FileEvaluation> Evaluate();

  const std::vector<EpochReport>& epochs() const { return epochs_; }
  double seconds() const { return seconds_; }  // Of all epochs.
  int64_t rows_learned() const;                // In them.

 private:
  const std::shared_ptr<const ModelSpec> spec_;
  const LearnerOptions& options_;
  const TrainFlags& flags_;
  const TrainingRows& rows_;
  OfflineLearner& learner_;
  RunContext& context_;
  const std::string title_;
  std::vector<TrainingObserver*> observers_;
  std::vector<EpochReport> epochs_;
  double seconds_ = 0;
};

}  // namespace polyscene
