#include "client/modelfile/new_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace polyscene {

absl::Status WriteNewFile(const std::string& path, absl::string_view text, bool replace) {
  const auto failed = [&path](int error) {
    return absl::ErrnoToStatus(error, absl::StrCat("cannot write '", path, "'"));
  };
  const auto exists = [&path] {
    return absl::AlreadyExistsError(absl::StrCat("'", path, "' is there already; --force replaces it"));
  };
  if (!replace && access(path.c_str(), F_OK) == 0) return exists();
  const std::string temporary = absl::StrCat(path, ".", getpid(), ".tmp");
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return failed(errno);
  absl::Cleanup remove = [&temporary] { unlink(temporary.c_str()); };

  int error = 0;
  for (absl::string_view rest = text; !rest.empty() && error == 0;) {
    const ssize_t count = write(file, rest.data(), rest.size());
    if (count < 0) {
      error = errno == EINTR ? 0 : errno;
    } else {
      rest.remove_prefix(static_cast<size_t>(count));
    }
  }
  if (error == 0 && fsync(file) != 0 && errno != EINVAL && errno != EROFS) error = errno;
  if (close(file) != 0 && error == 0) error = errno;
  if (error != 0) return failed(error);

  // link() never replaces, so that a file that appears meanwhile stays; where a file system has no links, rename().
  if (!replace) {
    if (link(temporary.c_str(), path.c_str()) == 0) return absl::OkStatus();
    if (errno == EEXIST) return exists();
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return failed(errno);
  std::move(remove).Cancel();
  return absl::OkStatus();
}

}  // namespace polyscene
