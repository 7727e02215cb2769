// polyscene-train --compare: several model files on the same rows.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/offline/model_agreement.h"
#include "model/offline/run_context.h"
#include "model/offline/train_flags.h"
#include "model/offline/train_program.h"
#include "model/offline/training_rows.h"
#include "model/report/comparison.h"
#include "model/report/html_report.h"

namespace polyscene {

// Trains and evaluates one model after the other, each of them flags.seeds times: run k with --seed + k for the order
// and the model file's seed + k for the first weights, so that run 0 is what --model alone would do. One at a time, so
// that seconds and memory are each model's own. A model's rows are looked at once for all its runs, and read anew in
// every epoch: reading takes a twentieth of a step's time, and rows kept for the next model would be memory of a size
// that no model has. A model that fails is told of and the others go on. Used once.
class ComparisonRun {
 public:
  // All outlive this object.
  ComparisonRun(const TrainFlags& flags, const TrainSources& sources, std::ostream& out, std::ostream& log);

  // Errors as RunTrainProgram(), and
  //   kInvalidArgument  the model files read the same columns in different ways: nothing was trained
  //   or a failed model's own, with its path, after the others' results were told
  absl::Status Run();

 private:
  void LoadModels();
  absl::Status CheckAgreement();
  absl::Status Compare(size_t model);
  absl::StatusOr<ComparedRun> RunOnce(size_t model, int run, const LearnerOptions& options, const TrainingRows& rows,
                                      RunContext& context);
  absl::Status Report();
  absl::Status WritePage() const;

  const TrainFlags& flags_;
  const TrainSources& sources_;
  std::ostream& out_;
  std::ostream& log_;
  RunContext context_;
  std::vector<std::shared_ptr<const ModelSpec>> specs_;  // [models] Null where it cannot be read.
  std::vector<ComparedModel> models_;
  HtmlReport page_;       // What the models add to it as they are done.
  absl::Status failure_;  // The first one.
  bool interrupted_ = false;
};

}  // namespace polyscene
