// What must hold of a data directory when the killing is over.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace polyscene {

// Every batch 1 to batches[p] of producer p is in the log of `data_directory` exactly once, in order, with the rows
// that it was sent with but for the bad ones.  kDataLoss: says which is not.
absl::Status CheckLog(const std::filesystem::path& data_directory, const std::vector<uint64_t>& batches);

// A digest over everything that a checkpoint holds but its version number: `polyscene-train --inspect`.
absl::StatusOr<std::string> StateDigest(const std::string& train_program, const std::filesystem::path& checkpoint);

}  // namespace polyscene
