#include "model/offline/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"

namespace polyscene {

absl::Status ExpectNewFile(absl::string_view flag, const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::is_regular_file(status) && !std::filesystem::is_directory(status)) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat(flag, ": '", path.string(), "' exists, expected the name of a new file: nothing is overwritten"));
}

absl::StatusOr<std::unique_ptr<NewFile>> NewFile::Create(const std::filesystem::path& path) {
  const std::string temporary = path.string() + ".writing";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", temporary));
  return std::unique_ptr<NewFile>(new NewFile(path, fd));
}

NewFile::NewFile(std::filesystem::path path, int fd)
    : path_(std::move(path)), temporary_(path_.string() + ".writing"), half_written_(temporary_), fd_(fd) {}

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

absl::Status NewFile::Close() {
  if (fsync(fd_) != 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot sync ", temporary_.string()));
  if (rename(temporary_.c_str(), path_.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot rename ", temporary_.string(), " to ", path_.string()));
  }
  close(std::exchange(fd_, -1));
  return absl::OkStatus();
}

}  // namespace polyscene
