// polyscene-train --checkpoint: scores, evaluation and weights of a checkpoint.
#pragma once

#include <iosfwd>
#include <memory>

#include "absl/status/status.h"
#include "model/learning/offline_learner.h"
#include "model/offline/run_context.h"
#include "model/report/figure_json.h"
#include "model/serving/row_scorer.h"

namespace polyscene {

// Used once.
class CheckpointUse {
 public:
  // All outlive this object.
  CheckpointUse(const TrainFlags& flags, std::ostream& out, std::ostream& log);

  absl::Status Run();  // Errors as RunTrainProgram().

 private:
  absl::Status Load();
  absl::Status Predict();
  absl::Status Evaluate();
  absl::Status Export();

  const TrainFlags& flags_;
  std::ostream& out_;
  RunContext context_;
  std::shared_ptr<const ModelSpec> spec_;
  LearnerOptions options_;
  std::unique_ptr<OfflineLearner> learner_;
  std::unique_ptr<RowScorer> scorer_;
  Json json_;
};

}  // namespace polyscene
