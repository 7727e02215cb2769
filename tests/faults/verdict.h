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
// that it was sent with but for the bad ones; every label of the shown rows of requests 1 to `remembered` is there
// exactly once, with the features that were scored; and nothing else is. The rows that the log holds.  kDataLoss: says
// what is not so.
absl::StatusOr<uint64_t> CheckLog(const std::filesystem::path& data_directory, const std::vector<uint64_t>& batches,
                                  uint64_t remembered);

// A digest over everything that a checkpoint holds but its version number: `polyscene-train --inspect`.
absl::StatusOr<std::string> StateDigest(const std::string& train_program, const std::filesystem::path& checkpoint);

}  // namespace polyscene
