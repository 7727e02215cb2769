// Rows of a CSV file, one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/data/byte_source.h"

namespace polyscene {

struct CsvOptions {
  // A row longer than this (quoted line breaks included) cannot be read: it is skipped, never held in memory.
  size_t max_row_bytes = 1 << 20;
};

// Reads CSV as RFC 4180 has it: fields separated by commas, optionally in double quotes, which then may hold commas,
// line breaks and doubled quotes. The first line is the header. Lines end with LF or CR LF; a byte order mark is
// skipped, and so are blank lines (unless the file has a single column, where one is an empty field). Plain or gzip, by
// the file's first bytes.
//
// Memory: one row at most, besides a buffer of 256 KiB. Allocates nothing for a row or a field.
// Not thread-safe.
class CsvReader {
 public:
  enum class Outcome {
    kRow,      // fields() has the next row.
    kBadLine,  // The line at line() cannot be read; problem() and message() say why. The next call goes on behind it.
    kEnd,      // No more rows; status() says whether the file ended or could not be read on.
  };

  // Opens the file ("-": standard input) and reads its header.
  //   ByteSource::Open's errors
  //   kInvalidArgument  the file is empty, its header cannot be read or names a column twice
  static absl::StatusOr<std::unique_ptr<CsvReader>> Open(const std::string& path, CsvOptions options = {});

  // Reads text that is in memory already; `name` stands for the path in messages.
  static absl::StatusOr<std::unique_ptr<CsvReader>> FromText(const std::string& name, absl::string_view text,
                                                             CsvOptions options = {});

  const std::vector<std::string>& header() const { return header_; }
  const std::string& path() const { return path_; }  // For messages.

  int Find(absl::string_view column) const;  // Its number; -1 if the header does not have it.

  Outcome Next();

  // The last row: one field a column, in file order. Valid until the next Next().
  absl::Span<const absl::string_view> fields() const { return fields_; }

  // Where the last row or bad line began, from 1 (the header).
  int64_t line() const { return line_; }

  // Why the last line was bad: a short fixed word (field_count, broken_quotes, binary, too_long), and a sentence.
  absl::string_view problem() const { return problem_; }
  const std::string& message() const { return message_; }

  // After kEnd: OK at the end of the file.
  //   kDataLoss     gzip data is damaged or cut off; every whole line before was returned; the message names the line
  //   kUnavailable  the disk refused; likewise
  const absl::Status& status() const { return status_; }

  int64_t file_bytes() const { return source_->file_bytes(); }  // Of the file as stored; 0 where it is not known.
  int64_t file_bytes_read() const { return source_->file_bytes_read(); }

 private:
  CsvReader(std::string path, std::unique_ptr<ByteSource> source, CsvOptions options);
  static absl::StatusOr<std::unique_ptr<CsvReader>> FromSource(std::string path,
                                                               absl::StatusOr<std::unique_ptr<ByteSource>> source,
                                                               CsvOptions options);

  absl::Status ReadHeader();

  // Splits the row that begins at begin_ into fields_ and moves behind it. A bad line is dropped alone: whatever it
  // seemed to quote of the lines below is read again.
  Outcome ReadRow();

  // Where (from begin_) the first line break at or after `from` is, or the file's end; reads on as needed. Null where
  // that is beyond the longest row.
  std::optional<size_t> FindLineEnd(size_t from);

  // Where the row that begins at begin_ ends, its first line ending at `line_end`, and how many fields it has; null
  // where its quotes are broken, and then `why` says how.
  std::optional<size_t> FindQuotedRowEnd(size_t line_end, size_t& fields, std::string& why);

  void SplitPlain(char* begin, const char* end);   // A row without quotes.
  void SplitQuoted(char* begin, const char* end);  // A row whose quotes are sound; removes them in place.

  bool ReadMore();      // Appends bytes to the buffer, the row being read moving to its start. False at the end.
  void SkipLongLine();  // Without keeping it.
  void Consume(size_t line_end);  // Moves begin_ behind the line that ends there.
  Outcome Bad(absl::string_view problem, std::string message);
  Outcome BadFieldCount(size_t fields);
  Outcome End();

  // Whether `offset` from begin_ is where the readable part of the file ends, rather than a line break.
  bool AtEnd(size_t offset) const { return begin_ + offset == end_; }

  const std::string path_;
  const CsvOptions options_;
  std::unique_ptr<ByteSource> source_;
  std::vector<std::string> header_;

  // [begin_, end_) is read and not yet returned.
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool source_ended_ = false;
  absl::Status source_status_;

  std::vector<absl::string_view> fields_;
  int64_t line_ = 0;       // Of the row last returned.
  int64_t next_line_ = 1;  // That begins at begin_.
  absl::string_view problem_;
  std::string message_;
  absl::Status status_;
};

}  // namespace polyscene
