// What a model file leaves out.
#pragma once

#include "polyscene/v1/model.pb.h"

namespace polyscene {

inline constexpr double kDefaultAttributionWindowSeconds = 7 * 86400;

// Fills in every default that proto/polyscene/v1/model.proto names, in a file that has passed the checks. Doing it
// twice changes nothing.
void FillDefaults(v1::ModelFile& file);

}  // namespace polyscene
