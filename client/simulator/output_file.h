// A file that is written from start to end.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyscene::simulator {

// Compressed with gzip where the name ends in ".gz", plain otherwise; the same bytes written give the same file. It is
// there once Close() said so, whole, and not before: until then it is called `path`.writing (but what is no file, as
// /dev/stdout, is written at once). Not thread-safe.
class OutputFile {
 public:
  // kNotFound, kPermissionDenied or kUnavailable, with the path and the system's
  // reason.
  static absl::StatusOr<OutputFile> Create(const std::string& path);

  // kUnavailable: the disk refused.
  absl::Status Write(absl::string_view bytes);
  absl::Status Close();  // At the end, once: what Write() took may still fail here.

 private:
  struct Closer {
    void operator()(void* file) const;
  };

  OutputFile(std::string path, std::string temporary, void* file)
      : path_(std::move(path)), temporary_(std::move(temporary)), file_(file) {}

  std::string path_;
  std::string temporary_;               // path_ where it is written at once.
  std::unique_ptr<void, Closer> file_;  // zlib's gzFile, whose header stays out of here.
};

}  // namespace polyscene::simulator
