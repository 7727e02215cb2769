// The directory of one server's durable state: who may use it, and for which hash key.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/feature/hash_key.h"

namespace polyscene {

// Holds the directory for this process until destroyed:
//   <dir>/lock         held while a server runs, with its process id
//   <dir>/hash_key     fingerprint of the key that personal values in the log were hashed with
//   <dir>/log          the event log's
//   <dir>/checkpoints  the trainer's
//   <dir>/warm_start   where its life began with a checkpoint from elsewhere: which
class DataDirectory {
 public:
  // Creates the directory if needed.
  //   kPermissionDenied    it cannot be created or written; names the path
  //   kFailedPrecondition  another process uses it (names it), or it was written under another hash key
  static absl::StatusOr<std::unique_ptr<DataDirectory>> Open(const std::filesystem::path& directory,
                                                             const HashKey& key);
  ~DataDirectory();

  static std::filesystem::path CheckpointsOf(const std::filesystem::path& directory) {
    return directory / "checkpoints";
  }

  // Whether what lies in `directory` was hashed under `key`; fine where it does not say.  kFailedPrecondition names
  // both.
  static absl::Status CheckHashKey(const std::filesystem::path& directory, const HashKey& key);

  static std::filesystem::path LogOf(const std::filesystem::path& directory) { return directory / "log"; }

  const std::filesystem::path& path() const { return directory_; }
  std::filesystem::path log() const { return LogOf(directory_); }
  std::filesystem::path checkpoints() const { return CheckpointsOf(directory_); }

  // Notes durably, before the checkpoint `from` is saved here, that this directory's life begins with it.
  absl::Status NoteWarmStart(const std::filesystem::path& from) const;
  std::optional<std::string> WarmStart() const;  // What was noted.

  // Copies what this directory is marked with (the key's fingerprint, the warm start) into the directory `to`. The
  // disk's error.
  absl::Status CopyMarks(const std::filesystem::path& to) const;

 private:
  DataDirectory(std::filesystem::path directory, int lock_fd) : directory_(std::move(directory)), lock_fd_(lock_fd) {}

  const std::filesystem::path directory_;
  const int lock_fd_;
};

}  // namespace polyscene
