// A file that is written from start to end.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyscene::simulator {

// Compressed with gzip where the name ends in ".gz", plain otherwise; the same bytes written give the same file. Not
// thread-safe.
class OutputFile {
 public:
  // Creates the file, or empties it. kNotFound, kPermissionDenied or kUnavailable, with the path and the system's
  // reason.
  static absl::StatusOr<OutputFile> Create(const std::string& path);

  // kUnavailable: the disk refused.
  absl::Status Write(absl::string_view bytes);
  absl::Status Close();  // At the end, once: what Write() took may still fail here.

 private:
  struct Closer {
    void operator()(void* file) const;
  };

  OutputFile(std::string path, void* file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  std::unique_ptr<void, Closer> file_;  // zlib's gzFile, whose header stays out of here.
};

}  // namespace polyscene::simulator
