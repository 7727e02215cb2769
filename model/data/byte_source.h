// Bytes of a file, plain or gzip.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace polyscene {

// Reads a file, a pipe or a terminal from its start to its end, inflating it where it starts as gzip does (several
// members too, as `cat a.gz b.gz` makes them). Not thread-safe.
class ByteSource {
 public:
  // path "-": standard input.
  //   kNotFound, kPermissionDenied, kInvalidArgument (a folder), kUnavailable (the rest)  names the path
  static absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& path);

  // Reads bytes that are in memory already; `name` stands for the path in messages.
  static absl::StatusOr<std::unique_ptr<ByteSource>> FromBytes(std::string name, absl::string_view bytes);
  ~ByteSource();

  // Reads 1 to `size` bytes; 0 at the end. Blocks for the disk, and for a pipe until SetDeadline().
  //   kDeadlineExceeded  the pipe had nothing until then: call again. After any other error every call returns it again
  //   kDataLoss          gzip data is damaged or ends too early; every byte before that was returned
  //   kUnavailable       the disk refused
  absl::StatusOr<size_t> Read(char* to, size_t size);

  // How long Read() waits for a pipe or a terminal; a signal ends the wait too. Default: without end.
  void SetDeadline(absl::Time deadline) { deadline_ = deadline; }

  int64_t file_bytes() const { return file_bytes_; }            // Of the file as stored; 0 where it is not known.
  int64_t file_bytes_read() const { return file_bytes_read_; }  // Of those.

 private:
  ByteSource(std::string path, int descriptor);

  absl::Status StartInflating();       // If what is in input_ is gzip.
  absl::Status Fill(size_t at_least);  // Reads stored bytes into input_ once all of it is used. kDeadlineExceeded too.
  absl::Status WaitForPipe() const;    // kDeadlineExceeded.
  absl::StatusOr<size_t> Inflate(char* to, size_t size);

  struct Inflater;

  const std::string path_;
  const int descriptor_;
  int64_t file_bytes_ = 0;
  int64_t file_bytes_read_ = 0;
  bool is_file_ = false;  // Else a pipe or the like, which may have nothing for a while.
  absl::Time deadline_ = absl::InfiniteFuture();
  std::unique_ptr<char[]> input_;
  size_t input_begin_ = 0;
  size_t input_end_ = 0;
  bool at_end_ = false;                 // Of the stored bytes.
  std::unique_ptr<Inflater> inflater_;  // Null: a plain file.
  absl::Status error_;
};

}  // namespace polyscene
