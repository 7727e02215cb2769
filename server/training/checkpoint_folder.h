// The checkpoints of a data directory: <data_dir>/checkpoints/<log offset, 20 digits>.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/learning/learner.h"
#include "server/metrics/metrics.h"

namespace polyscene {

// Not thread-safe. Names that are not 20 digits are none of its business.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Creates the folder if needed and removes what a write that was cut short left (`*.tmp`, `*.writing`).
  absl::Status Prepare() const;

  std::filesystem::path PathOf(uint64_t log_offset) const;

  absl::StatusOr<std::vector<uint64_t>> Offsets() const;  // Ascending.

  // Renames the checkpoint to `<name>.corrupt`, so that its name is free and an operator can look at it.
  absl::Status SetAside(uint64_t log_offset) const;

  // Removes all but the newest `kept`, and the newest one that shares no file (by hard link) with the newest of all:
  // one damaged file must not take every checkpoint. Returns the offset of the oldest one left; nothing where there is
  // none.
  absl::StatusOr<std::optional<uint64_t>> Prune(int kept) const;

 private:
  const std::filesystem::path directory_;
};

// How a learner comes to be: CreateLearner() and LoadLearner() with the server's settings, or a test's own.
struct LearnerFunctions {
  std::function<absl::StatusOr<std::unique_ptr<Learner>>()> create;
  std::function<absl::StatusOr<LoadedLearner>(const std::filesystem::path& directory)> load;
};

// The newest checkpoint that can be read; one that cannot (kDataLoss) is logged, counted, set aside, and the one before
// it tried. Without any, a fresh learner at offset 0.
//   kFailedPrecondition  the newest one is of another model or another hash key
//   or what `create`, `load` or the disk answered
absl::StatusOr<LoadedLearner> RecoverLearner(const std::filesystem::path& checkpoint_directory,
                                             const LearnerFunctions& functions, Metrics& metrics);

}  // namespace polyscene
