// polyscene-train --inspect: prints checkpoints.
#pragma once

#include <iosfwd>

#include "absl/status/status.h"
#include "model/learning/inspection.h"
#include "model/offline/train_flags.h"
#include "model/report/figure_json.h"

namespace polyscene {

// Prints the checkpoint flags.inspect, or each one of a folder of checkpoints or a data directory, oldest first. With
// flags.json one object: the checkpoint's (see InspectionJson()), or {"checkpoints": [..], "set_aside": [names]}.
//   kDataLoss  a checksum does not hold; names the first checkpoint that is damaged, after all were printed
//   kNotFound  there is no checkpoint
absl::Status RunInspectProgram(const TrainFlags& flags, std::ostream& out);

std::string InspectionText(const CheckpointInspection& inspection);
Json InspectionJson(const CheckpointInspection& inspection);

}  // namespace polyscene
