// A file that is written from start to end.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/report/interrupt.h"

namespace polyscene::simulator {

// Compressed with gzip where the name ends in ".gz", plain otherwise; the same bytes written give the same file. Until
// Close() it is called PATH.partial, so that what has its name is whole, whatever interrupts us. Not thread-safe.
class OutputFile {
 public:
  // Opens the file for writing. What is no regular file (a pipe, a terminal) is written as it is. kNotFound,
  // kPermissionDenied or kUnavailable, with the path and the system's reason.
  static absl::StatusOr<OutputFile> Create(const std::string& path);

  ~OutputFile();  // Without Close(): nothing is left, and what had the name before stays.
  OutputFile(OutputFile&&) = default;

  // kUnavailable: the disk refused. kCancelled: Interrupted().
  absl::Status Write(absl::string_view bytes);
  absl::Status Close();  // At the end, once: what Write() took may still fail here. The file has its name then.

 private:
  struct Closer {
    void operator()(void* file) const;
  };

  OutputFile(std::string path, std::string written, void* file)
      : path_(std::move(path)),
        written_(std::move(written)),
        half_written_(written_ == path_ ? nullptr : std::make_unique<HalfWritten>(written_)),
        file_(file) {}

  std::string path_;
  std::string written_;                        // Path of what is written; path_ itself for what is no regular file.
  std::unique_ptr<HalfWritten> half_written_;  // Null for what is no regular file.
  std::unique_ptr<void, Closer> file_;         // zlib's gzFile, whose header stays out of here.
};

}  // namespace polyscene::simulator
