#include "server/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace polyscene {
namespace {

absl::Status DiskError(int error, absl::string_view what, const std::filesystem::path& path) {
  const std::string message = absl::StrCat("data_dir: cannot ", what, " ", path.string(), ": ", std::strerror(error));
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::FailedPreconditionError(message);
  }
}

std::string ReadSmallFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return std::string(absl::StripAsciiWhitespace(text));
}

absl::Status SyncDirectory(const std::filesystem::path& path) {
  const int directory = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return DiskError(errno, "open", path);
  const bool synced = fsync(directory) == 0;
  const int error = errno;
  close(directory);
  return synced ? absl::OkStatus() : DiskError(error, "sync", path);
}

// With the directories above it that are missing. Durable when it returns.
absl::Status MakeDirectory(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::absolute(path, error).parent_path();
  if (std::filesystem::is_directory(path, error)) return absl::OkStatus();
  if (!std::filesystem::exists(parent, error)) {
    if (absl::Status status = MakeDirectory(parent); !status.ok()) return status;
  }
  std::filesystem::create_directory(path, error);
  if (error) return DiskError(error.value(), "create", path);
  return SyncDirectory(parent);
}

// Durable when it returns: under another name, synced, renamed, and the directory synced.
absl::Status WriteSmallFile(const std::filesystem::path& path, const std::string& text) {
  const std::filesystem::path temporary = path.string() + ".tmp";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return DiskError(errno, "create", temporary);
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  const int error = errno;
  close(fd);
  if (!written) return DiskError(error, "write", temporary);
  if (rename(temporary.c_str(), path.c_str()) != 0) return DiskError(errno, "rename", temporary);
  return SyncDirectory(path.parent_path());
}

std::string KeyText(const HashKey& key) { return absl::StrFormat("%016x", key.fingerprint()); }

}  // namespace

absl::StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Open(const std::filesystem::path& directory,
                                                                   const HashKey& key) {
  if (absl::Status status = MakeDirectory(directory); !status.ok()) return status;
  const std::filesystem::path lock = directory / "lock";
  const int fd = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return DiskError(errno, "open", lock);
  std::unique_ptr<DataDirectory> opened(new DataDirectory(directory, fd));
  // The kernel lets go of it when the process ends, however it ends.
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return DiskError(errno, "lock", lock);
    return absl::FailedPreconditionError(absl::StrCat("data_dir: ", directory.string(),
                                                      " is in use by another server (process ", ReadSmallFile(lock),
                                                      "); expected a directory of its own for each"));
  }
  const std::string id = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd, 0) != 0 || pwrite(fd, id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
    return DiskError(errno, "write", lock);
  }
  if (absl::Status status = CheckHashKey(directory, key); !status.ok()) return status;
  // Their names must be as durable as what is acknowledged in them.
  for (const std::filesystem::path& folder : {opened->log(), opened->checkpoints()}) {
    if (absl::Status status = MakeDirectory(folder); !status.ok()) return status;
  }
  const std::filesystem::path mark = directory / "hash_key";
  std::error_code error;
  if (std::filesystem::exists(mark, error)) return opened;
  if (absl::Status status = WriteSmallFile(mark, KeyText(key) + "\n"); !status.ok()) return status;
  return opened;
}

DataDirectory::~DataDirectory() { close(lock_fd_); }

absl::Status DataDirectory::CheckHashKey(const std::filesystem::path& directory, const HashKey& key) {
  const std::filesystem::path path = directory / "hash_key";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return absl::OkStatus();
  const std::string given = KeyText(key);
  const std::string kept = ReadSmallFile(path);
  if (kept == given) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("hash_key: ", directory.string(), " was written under the key with fingerprint ", kept,
                   ", got the one with fingerprint ", given, ": the same people would get other ids"));
}

absl::Status DataDirectory::NoteWarmStart(const std::filesystem::path& from) const {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(from, error);
  return WriteSmallFile(directory_ / "warm_start", (error ? from : absolute).string() + "\n");
}

std::optional<std::string> DataDirectory::WarmStart() const {
  const std::filesystem::path path = directory_ / "warm_start";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  return ReadSmallFile(path);
}

absl::Status DataDirectory::CopyMarks(const std::filesystem::path& to) const {
  for (const char* name : {"hash_key", "warm_start"}) {
    std::error_code error;
    if (!std::filesystem::exists(directory_ / name, error)) continue;
    const absl::Status status = WriteSmallFile(to / name, ReadSmallFile(directory_ / name) + "\n");
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace polyscene
