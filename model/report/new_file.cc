#include "model/report/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

// Of this process: two may write to one path, and the last one's file stays.
std::string TemporaryName(const std::filesystem::path& path) {
  return absl::StrCat(path.string(), ".", getpid(), ".writing");
}

}  // namespace

absl::Status ExpectNewFile(absl::string_view flag, const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::is_regular_file(status) && !std::filesystem::is_directory(status)) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat(flag, ": '", path.string(), "' exists, expected the name of a new file: nothing is overwritten"));
}

absl::StatusOr<std::unique_ptr<NewFile>> NewFile::Create(const std::filesystem::path& path) {
  const std::string temporary = TemporaryName(path);
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", temporary));
  return std::unique_ptr<NewFile>(new NewFile(path, fd));
}

NewFile::NewFile(std::filesystem::path path, int fd)
    : path_(std::move(path)), temporary_(TemporaryName(path_)), half_written_(temporary_), fd_(fd) {}

NewFile::~NewFile() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(temporary_.c_str());
}

absl::Status NewFile::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", temporary_.string()));
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

absl::Status NewFile::Close(bool replace) {
  const auto failed = [this](absl::string_view what) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", what, " ", temporary_.string()));
  };
  // What cannot be synced (a pipe, some network file systems) says so.
  if (fsync(fd_) != 0 && errno != EINVAL && errno != EROFS) return failed("sync");
  bool named = false;
  if (!replace) {
    // link() never replaces; where a file system has no links, rename() must do.
    named = link(temporary_.c_str(), path_.c_str()) == 0;
    if (!named && (errno == EEXIST || access(path_.c_str(), F_OK) == 0)) {
      return absl::AlreadyExistsError(absl::StrCat("'", path_.string(), "' is there already"));
    }
  }
  if (!named && rename(temporary_.c_str(), path_.c_str()) != 0) {
    return failed(absl::StrCat("rename to ", path_.string(), ":"));
  }
  if (named) unlink(temporary_.c_str());
  close(std::exchange(fd_, -1));
  return absl::OkStatus();
}

absl::Status WriteNewFile(const std::filesystem::path& path, absl::string_view text, bool replace) {
  if (!replace && access(path.c_str(), F_OK) == 0) {
    return absl::AlreadyExistsError(absl::StrCat("'", path.string(), "' is there already"));
  }
  const absl::StatusOr<std::unique_ptr<NewFile>> file = NewFile::Create(path);
  if (!file.ok()) return file.status();
  if (absl::Status status = (*file)->Write(text); !status.ok()) return status;
  return (*file)->Close(replace);
}

}  // namespace polyscene
