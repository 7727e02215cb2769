// Who wants to know how training goes, while it goes.
#pragma once

#include <cstdint>
#include <vector>

#include "model/learning/offline_learner.h"
#include "model/offline/epoch_trainer.h"
#include "model/offline/file_evaluation.h"

namespace polyscene {

// Of the rows learned since the point before it.
struct LossPoint {
  double epochs = 0;                // Learned so far in this run: 1.25 is a quarter of the second.
  double loss = 0;                  // The sum of weight x loss; NaN where no row had a label.
  std::vector<double> task_losses;  // [tasks] mean over the rows with a label, each scored before it was learned.
  double rows_per_second = 0;       // Reading them included.
};

// Called by the thread that trains, between steps. A run with an observer
// evaluates after every epoch, where there are test rows, one without only after the last.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;

  virtual void OnBegin(const OfflineLearner& learner) {}
  virtual void OnLosses(const LossPoint& point, const OfflineLearner& learner) {}  // About 200 times a run.
  virtual void OnEpoch(int epoch, const EpochReport& report, const OfflineLearner& learner) {}
  virtual void OnEvaluation(double epochs, const FileEvaluation& evaluation, const OfflineLearner& learner) {}
};

}  // namespace polyscene
