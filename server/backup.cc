#include "server/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/training/checkpoint_folder.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

// A checkpoint may be retired while it is copied, and the log behind it then too: so often a newer one is tried.
constexpr int kTries = 5;

absl::Status DiskError(const std::error_code& error, absl::string_view what, const fs::path& path) {
  const std::string message = absl::StrCat("backup: cannot ", what, " ", path.string(), ": ", error.message());
  if (error == std::errc::no_space_on_device) return absl::ResourceExhaustedError(message);
  if (error == std::errc::permission_denied || error == std::errc::read_only_file_system) {
    return absl::PermissionDeniedError(message);
  }
  if (error == std::errc::no_such_file_or_directory) return absl::NotFoundError(message);
  return absl::InternalError(message);
}

absl::Status CheckTarget(const fs::path& data, const fs::path& to) {
  if (!to.is_absolute()) {
    return absl::InvalidArgumentError(
        absl::StrCat("directory: got '", to.string(), "', expected an absolute path on the server's machine"));
  }
  std::error_code error;
  if (fs::symlink_status(to, error).type() != fs::file_type::not_found) {
    return absl::AlreadyExistsError(absl::StrCat("directory: ", to.string(), " is there already, expected a new one"));
  }
  const fs::path parent = fs::canonical(to.parent_path(), error);
  if (error || !fs::is_directory(parent, error)) {
    return absl::NotFoundError(
        absl::StrCat("directory: there is no directory ", to.parent_path().string(), " to put the backup in"));
  }
  const fs::path within = parent.lexically_relative(fs::canonical(data, error));
  if (!within.empty() && *within.begin() != "..") {
    return absl::InvalidArgumentError(absl::StrCat("directory: ", to.string(), " is within the data directory ",
                                                   data.string(), ", expected a place outside"));
  }
  return absl::OkStatus();
}

// A second name for the file, or where that cannot be, a copy.
absl::Status LinkOrCopy(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (!error) return absl::OkStatus();
  if (error == std::errc::no_such_file_or_directory) return DiskError(error, "copy", from);
  fs::copy_file(from, to, error);
  return error ? DiskError(error, "copy", from) : absl::OkStatus();
}

absl::Status CopyFiles(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to, error);
  if (error) return DiskError(error, "create", to);
  for (fs::directory_iterator entry(from, error), end; !error && entry != end; entry.increment(error)) {
    if (absl::Status status = LinkOrCopy(entry->path(), to / entry->path().filename()); !status.ok()) return status;
  }
  return error ? DiskError(error, "list", from) : absl::OkStatus();
}

// The newest checkpoint, into the empty folder `to`; nothing where there is none. kNotFound: it went meanwhile.
absl::StatusOr<std::optional<uint64_t>> CopyNewestCheckpoint(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from, error)) return std::optional<uint64_t>();
  const CheckpointFolder folder(from);
  const absl::StatusOr<std::vector<uint64_t>> offsets = folder.Offsets();
  if (!offsets.ok()) return offsets.status();
  if (offsets->empty()) return std::optional<uint64_t>();
  const uint64_t newest = offsets->back();
  const absl::Status copied = CopyFiles(folder.PathOf(newest), CheckpointFolder(to).PathOf(newest));
  if (!copied.ok()) return copied;
  return std::optional<uint64_t>(newest);
}

absl::Status SyncOne(const fs::path& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const std::error_code error(errno, std::generic_category());
  if (fd >= 0) close(fd);
  return synced ? absl::OkStatus() : DiskError(error, "sync", path);
}

// Makes everything below `root` durable and adds up its files' bytes.
absl::StatusOr<uint64_t> SyncTree(const fs::path& root) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
    const bool directory = entry->is_directory();
    if (absl::Status s = SyncOne(entry->path(), directory ? O_RDONLY | O_DIRECTORY : O_RDONLY); !s.ok()) return s;
    if (!directory) bytes += entry->file_size();
  }
  if (error) return DiskError(error, "list", root);
  if (absl::Status s = SyncOne(root, O_RDONLY | O_DIRECTORY); !s.ok()) return s;
  return bytes;
}

// The checkpoint first: the log that is copied after it then holds what follows it, unless retention has passed it by.
absl::StatusOr<BackupReport> CopyAll(const DataDirectory& directory, const EventLog& log, const fs::path& to) {
  std::error_code error;
  fs::remove_all(to, error);  // What a try before, or a crash, left.
  fs::create_directory(to, error);
  if (error) return DiskError(error, "create", to);
  BackupReport report;
  const absl::StatusOr<std::optional<uint64_t>> checkpoint =
      CopyNewestCheckpoint(directory.checkpoints(), DataDirectory::CheckpointsOf(to));
  if (absl::IsNotFound(checkpoint.status())) return absl::AbortedError(checkpoint.status().message());
  if (!checkpoint.ok()) return checkpoint.status();
  report.checkpoint_offset = checkpoint->value_or(0);
  report.log_end_offset = log.end_offset();
  if (absl::Status status = log.CopyTo(DataDirectory::LogOf(to)); !status.ok()) return status;
  if (log.begin_offset() > report.checkpoint_offset) {
    return absl::AbortedError(absl::StrCat("backup: the log begins at offset ", log.begin_offset(),
                                           " now, behind the copied checkpoint's ", report.checkpoint_offset));
  }
  if (absl::Status status = directory.CopyMarks(to); !status.ok()) return status;
  absl::StatusOr<uint64_t> bytes = SyncTree(to);
  if (!bytes.ok()) return bytes.status();
  report.bytes = *bytes;
  return report;
}

}  // namespace

absl::StatusOr<BackupReport> BackUp(const DataDirectory& directory, const EventLog& log, const fs::path& to) {
  if (absl::Status status = CheckTarget(directory.path(), to); !status.ok()) return status;
  const fs::path temporary = to.string() + ".writing";
  absl::StatusOr<BackupReport> report = CopyAll(directory, log, temporary);
  for (int tries = 1; tries < kTries && absl::IsAborted(report.status()); ++tries) {
    report = CopyAll(directory, log, temporary);
  }
  std::error_code error;
  if (report.ok()) {
    fs::rename(temporary, to, error);
    if (!error) {
      if (absl::Status status = SyncOne(to.parent_path(), O_RDONLY | O_DIRECTORY); !status.ok()) return status;
      return report;
    }
    report = DiskError(error, "rename", temporary);
  }
  fs::remove_all(temporary, error);
  return report;
}

}  // namespace polyscene
