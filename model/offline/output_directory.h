// Where a checkpoint is to be written.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/learning/learner.h"

namespace polyscene {

// Checks, before anything is learned, that a checkpoint can be written there; creates its parent folders. Returns the
// absolute path.
//   kAlreadyExists          something is there, other than an empty folder
//   or the system's error, with the path
absl::StatusOr<std::filesystem::path> PrepareOutputDirectory(const std::string& path);

// Writes the learner's state there as Learner::SaveCheckpoint() does, for no event log. What a signal cuts short is
// removed.
absl::Status SaveTrained(Learner& learner, const std::filesystem::path& directory);

}  // namespace polyscene
