// What both of polyscene-train's ways share: model, key, device, progress and refused rows.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "model/feature/hash_key.h"
#include "model/learning/learner.h"
#include "model/offline/example_files.h"
#include "model/offline/progress.h"
#include "model/offline/refused_rows.h"
#include "model/offline/train_flags.h"
#include "model/spec/model_spec.h"

namespace polyscene {

class RunContext {
 public:
  // log: where progress and what is told of goes; outlives this object.
  RunContext(const TrainFlags& flags, std::ostream& log);

  // The learner's settings. Tells which device and which LibTorch. kInvalidArgument: no such device or key.
  absl::StatusOr<LearnerOptions> Prepare(const ModelSpec& spec);

  void Tell(const std::string& line) { progress_.Message("polyscene-train: " + line); }

  Progress& progress() { return progress_; }
  RefusedRows& refused() { return refused_; }
  const RefusedRows& refused() const { return refused_; }

 private:
  const TrainFlags& flags_;
  Progress progress_;
  RefusedRows refused_;
};

}  // namespace polyscene
