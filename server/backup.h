// A copy of a data directory that is in use, from which another server can start.
#pragma once

#include <cstdint>
#include <filesystem>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/data_directory.h"
#include "server/eventlog/event_log.h"

namespace polyscene {

struct BackupReport {
  uint64_t bytes = 0;              // Of all files.
  uint64_t log_end_offset = 0;     // Everything before it is in the copy.
  uint64_t checkpoint_offset = 0;  // Of its newest checkpoint; 0 without one.
};

// Copies log, joiner's store, newest checkpoint and what the directory is marked with to the new directory `to`: under
// another name, synced, renamed. Files that never change are hard links where both are on one file system, so that
// costs no space; put the backup on another disk to be safe from this one. Blocks; any thread.
//   kInvalidArgument    `to` is not an absolute path, or lies within the data directory
//   kNotFound           the directory that `to` is to be in is not there
//   kAlreadyExists      there is something at `to`
//   kResourceExhausted  the disk is full; nothing stays
//   or the disk's error
absl::StatusOr<BackupReport> BackUp(const DataDirectory& directory, const EventLog& log,
                                    const std::filesystem::path& to);

}  // namespace polyscene
