// The directory of one server's durable state: who may use it, and for which hash key.
#pragma once

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"
#include "model/feature/hash_key.h"

namespace polyscene {

// Holds the directory for this process until destroyed:
//   <dir>/lock         held while a server runs, with its process id
//   <dir>/hash_key     fingerprint of the key that personal values in the log were hashed with
//   <dir>/log          the event log's
//   <dir>/checkpoints  the trainer's
class DataDirectory {
 public:
  // Creates the directory if needed.
  //   kPermissionDenied    it cannot be created or written; names the path
  //   kFailedPrecondition  another process uses it (names it), or it was written under another hash key
  static absl::StatusOr<std::unique_ptr<DataDirectory>> Open(const std::filesystem::path& directory,
                                                             const HashKey& key);
  ~DataDirectory();

  std::filesystem::path log() const { return directory_ / "log"; }

 private:
  DataDirectory(std::filesystem::path directory, int lock_fd) : directory_(std::move(directory)), lock_fd_(lock_fd) {}

  absl::Status CheckHashKey(const HashKey& key) const;

  const std::filesystem::path directory_;
  const int lock_fd_;
};

}  // namespace polyscene
