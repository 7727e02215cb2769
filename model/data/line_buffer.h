// Lines of a file, read through one buffer.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "model/data/byte_source.h"

namespace polyscene {

// Holds the line being read, and what was read behind it. Lines end with LF; a byte order mark at the start is skipped.
//
// Memory: the longest line that was asked for, at most `max_line_bytes`, besides a buffer of 256 KiB.
// Not thread-safe.
class LineBuffer {
 public:
  enum class Search {
    kFound,
    kTooLong,  // The line has more than max_line_bytes.
    kIdle,     // The pipe had nothing until SetDeadline(). Nothing is lost: ask again.
  };

  // ByteSource::Open's errors.
  static absl::StatusOr<std::unique_ptr<LineBuffer>> Open(const std::string& path, size_t max_line_bytes);

  // Reads text that is in memory already; `name` stands for the path in messages.
  static absl::StatusOr<std::unique_ptr<LineBuffer>> FromText(const std::string& name, absl::string_view text,
                                                              size_t max_line_bytes);

  const std::string& path() const { return path_; }  // For messages: "standard input" for "-".
  char* data() { return buffer_.data() + begin_; }   // Where the next line begins. Moves with FindLineEnd() and Skip().
  int64_t line() const { return line_; }             // That line's number, from 1.

  // The first byte that is no white space, without taking anything; 0 at the end, or behind 64 KiB of white space.
  char Peek();

  // Finds the first line break at or after `from`, counted from data(), or the readable part's end; reads on as needed.
  Search FindLineEnd(size_t from, size_t* end);

  // Whether `end`, as FindLineEnd() gave it, is where the readable part of the file ends, rather than a line break.
  bool AtEnd(size_t end) const { return begin_ + end == end_; }

  void Consume(size_t end, int64_t lines = 1);  // Moves behind the line that ends there, `lines` lines on.
  Search Skip();                                // Moves behind the next line without keeping it. kFound or kIdle.

  // Why no more can be read; OK at the file's end. Means nothing before data() is AtEnd().
  const absl::Status& source_status() const { return source_status_; }
  absl::Status EndStatus() const;  // The same, saying how far it was read.

  void SetDeadline(absl::Time deadline) { source_->SetDeadline(deadline); }  // Of a pipe, see ByteSource.
  int64_t file_bytes() const { return source_->file_bytes(); }
  int64_t file_bytes_read() const { return source_->file_bytes_read(); }

 private:
  enum class Reading { kMore, kIdle, kEnd };

  LineBuffer(std::string path, std::unique_ptr<ByteSource> source, size_t max_line_bytes);
  static absl::StatusOr<std::unique_ptr<LineBuffer>> FromSource(std::string path,
                                                                absl::StatusOr<std::unique_ptr<ByteSource>> source,
                                                                size_t max_line_bytes);
  Reading ReadMore();  // Appends bytes, the line being read moving to the buffer's start.

  const std::string path_;
  const size_t max_line_bytes_;
  std::unique_ptr<ByteSource> source_;
  std::vector<char> buffer_;  // [begin_, end_) is read and not yet taken.
  size_t begin_ = 0;
  size_t end_ = 0;
  int64_t line_ = 1;
  bool source_ended_ = false;
  absl::Status source_status_;
};

}  // namespace polyscene
