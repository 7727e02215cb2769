// Tells models apart whose state cannot be exchanged.
#pragma once

#include <cstdint>

#include "polyscene/v1/model.pb.h"

namespace polyscene {

// Over what decides what a model's state means, and nothing else. `file` has its defaults. Equal on every machine and
// for good: a field that comes later counts only where it differs from its default.
uint64_t Fingerprint(const v1::ModelFile& file);

}  // namespace polyscene
