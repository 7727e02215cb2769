// What polyscene-train does.
#pragma once

#include <iosfwd>

#include "absl/status/status.h"
#include "model/offline/train_flags.h"

namespace polyscene {

// Trains, or uses or prints a checkpoint, as `flags` say. Results go to `out` (with flags.json: one JSON object, and nothing
// else), everything else to `log`.
//   kAborted  interrupted; `log` has said what was kept and how to go on
//   otherwise what went wrong: nothing half written stays
absl::Status RunTrainProgram(const TrainFlags& flags, std::ostream& out, std::ostream& log);

}  // namespace polyscene
