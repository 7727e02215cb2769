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

// Written as `path`.writing, renamed by Close(); without a successful Close() nothing is left. Not thread-safe.
class NewFile {
 public:
  // kInternal, kNotFound or the like, with the path and the system's reason.
  static absl::StatusOr<std::unique_ptr<NewFile>> Create(const std::filesystem::path& path);
  ~NewFile();

  absl::Status Write(absl::string_view bytes);
  absl::Status Close();  // Makes it durable and replaces what was at `path`.

 private:
  NewFile(std::filesystem::path path, int fd);

  const std::filesystem::path path_;
  const std::filesystem::path temporary_;
  const HalfWritten half_written_;
  int fd_;
};

}  // namespace polyscene
