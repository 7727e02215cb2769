// `polyscene stream --replay`: files as they once came.
#pragma once

#include "client/cli/commands.h"
#include "client/cli/stream_files.h"

namespace polyscene::cli {

// Plays the files and returns the exit status. The flags are right, see WrongFlags().
int ReplayFiles(const CommonFlags& common, const StreamFlags& flags);

}  // namespace polyscene::cli
