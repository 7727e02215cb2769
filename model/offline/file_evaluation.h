// Scores labelled files that were not learned.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "model/evaluation/evaluation.h"
#include "model/learning/offline_learner.h"
#include "model/offline/example_files.h"
#include "model/serving/row_scorer.h"

namespace polyscene {

struct FileEvaluation {
  int64_t rows = 0;
  std::vector<EvaluationFigure> figures;
  double loss = 0;                                       // The sum of weight x loss; NaN where no row has a label.
  std::vector<double> task_losses;                       // [tasks] mean over the rows with a label.
  std::vector<std::vector<ReliabilityBin>> reliability;  // [tasks] Evaluation::Reliability(); of binary ones.
};

// Figures are Evaluation's, and where rows name their requests RequestCollector's of scenes with candidates.
// progress: told the rows scored, now and then; false stops.
//   ExampleRows' and RowScorer's errors
//   kCancelled  `progress` said so
absl::StatusOr<FileEvaluation> EvaluateFiles(std::shared_ptr<const ModelSpec> spec, const HashKey& key,
                                             const RowSelection& selection, OfflineLearner& learner, RowScorer& scorer,
                                             RefusedRows* refused, const std::function<bool(int64_t)>& progress);

}  // namespace polyscene
