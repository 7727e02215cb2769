// The configuration's rules, wherever a value came from: a file, a flag or a default.
#pragma once

#include "model/spec/mistakes.h"
#include "polyscene/v1/server.pb.h"

namespace polyscene {

// Adds what is out of range in `config`, as it was given: 0 or empty takes the default and is no mistake.
void CheckServerConfig(const v1::ServerConfig& config, const Place& place, Mistakes& mistakes);

// Fills in every default that proto/polyscene/v1/server.proto names.
void FillServerDefaults(v1::ServerConfig& config);

}  // namespace polyscene
