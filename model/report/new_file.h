// A file that is there whole, or not at all.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/report/interrupt.h"

namespace polyscene {

// OK where nothing is at `path` yet, or no file (a pipe, /dev/null): what somebody has is never overwritten.
// kAlreadyExists: names the flag and the path.
absl::Status ExpectNewFile(absl::string_view flag, const std::filesystem::path& path);

// Written beside `path` under a temporary name, which Close() takes away; without a successful Close() nothing is left,
// nor after a second Ctrl-C. Not thread-safe.
class NewFile {
 public:
  // kInternal, kNotFound or the like, with the path and the system's reason.
  static absl::StatusOr<std::unique_ptr<NewFile>> Create(const std::filesystem::path& path);
  ~NewFile();

  absl::Status Write(absl::string_view bytes);

  // Makes it durable and gives it its name. replace: in place of what is there, else
  //   kAlreadyExists  something is there, perhaps since a moment ago
  absl::Status Close(bool replace = true);

 private:
  NewFile(std::filesystem::path path, int fd);

  const std::filesystem::path path_;
  const std::filesystem::path temporary_;
  const HalfWritten half_written_;
  int fd_;
};

// A small file in one go, with the above's errors.
absl::Status WriteNewFile(const std::filesystem::path& path, absl::string_view text, bool replace);

}  // namespace polyscene
