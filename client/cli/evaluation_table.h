// An evaluation as people read it.
#pragma once

#include <string>

#include "google/protobuf/repeated_field.h"
#include "polyscene/v1/features.pb.h"

namespace polyscene::cli {

// One line a scene and task with the metrics side by side, in the server's order, "*" (all scenes together) last.
// Metrics that no task of it has are left out; a figure that its rows do not define shows as "-".
std::string EvaluationTable(const google::protobuf::RepeatedPtrField<v1::EvaluationFigure>& figures);

}  // namespace polyscene::cli
