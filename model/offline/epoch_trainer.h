// Passes over training files.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "model/learning/offline_learner.h"
#include "model/offline/example_files.h"

namespace polyscene {

struct EpochOptions {
  int64_t batch_rows = 256;        // Of a step.
  int64_t shuffle_rows = 100'000;  // Rows that wait to be drawn; up to batch_rows: the files' own order.
  uint64_t seed = 1;               // Decides the order.
};

struct EpochReport {
  int64_t rows = 0;  // Learned.
  double seconds = 0;
  double loss = 0;                  // The sum of weight x loss; NaN where no row had a label.
  std::vector<double> task_losses;  // [tasks] mean over the rows with a label, each scored before it was learned.
  int64_t steps_passed_over = 0;    // Loss or gradient was not finite.
  bool stopped = false;             // `after_step` said so: the last step is whole.
};

// What an epoch has done when a step is learned.
struct LearnedStep {
  int64_t rows = 0;  // Of the epoch so far.
  const StepReport& report;
  const EncodedExamples& examples;  // Of this step.
};

// The same files, options and learner give the same weights, bit for bit, with as many LibTorch threads.
class EpochTrainer {
 public:
  // learner: outlives this object; its statistics are set.
  EpochTrainer(std::shared_ptr<const ModelSpec> spec, HashKey key, RowSelection selection, EpochOptions options,
               OfflineLearner& learner);

  // Learns every selected row once. after_step: told of each; false stops.
  //   ExampleRows' and LearnEncoded()'s errors
  absl::StatusOr<EpochReport> Run(const std::function<bool(const LearnedStep&)>& after_step);

 private:
  const std::shared_ptr<const ModelSpec> spec_;
  const HashKey key_;
  const RowSelection selection_;
  const EpochOptions options_;
  OfflineLearner& learner_;
};

}  // namespace polyscene
