// Rows of a file of events, one at a time, whatever its format.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/data/line_buffer.h"

namespace polyscene {

struct RowOptions {
  // A row longer than this (quoted line breaks included) cannot be read: it is skipped, never held in memory.
  size_t max_row_bytes = 1 << 20;
  bool keep_text = false;  // text() is wanted; costs a copy of every row.
};

// A row is one text a column, in the columns' order; an empty text is a missing value. The model file says what a text
// is meant to be. Reads ahead one row at most, and allocates nothing for a row or a field.
// Not thread-safe.
class RowSource {
 public:
  // A field that is a list (a JSON array) begins with it, and each element ends with it; no other text holds it.
  static constexpr char kListMark = '\0';

  enum class Outcome {
    kRow,      // fields() has the next row.
    kBadLine,  // The line at line() cannot be read; problem() and message() say why. The next call goes on behind it.
    kIdle,     // A pipe had nothing until SetDeadline(). Nothing is lost: call again.
    kEnd,      // No more rows; status() says whether the file ended or could not be read on.
  };

  virtual ~RowSource() = default;

  virtual Outcome Next() = 0;

  // Whether fields() has what a header line names. Else any column may be missing from any row.
  virtual bool has_header() const = 0;

  // Whether the file has the column; without a header: whether any row so far had it.
  virtual bool HasColumn(int column) const = 0;

  const std::vector<std::string>& header() const { return header_; }  // The columns' names.
  const std::string& path() const { return lines_->path(); }          // For messages.

  // The last row: one field a column. Valid until the next Next().
  absl::Span<const absl::string_view> fields() const { return fields_; }

  // Where the last row or bad line began, from 1.
  int64_t line() const { return line_; }

  // Why the last line was bad: a short fixed word, and a sentence.
  absl::string_view problem() const { return problem_; }
  const std::string& message() const { return message_; }

  // With keep_text: the last row or bad line as the file has it, without its line break; empty where it was too long.
  const std::string& text() const { return text_; }

  // After kEnd: OK at the end of the file.
  //   kDataLoss     gzip data is damaged or cut off; every whole line before was returned; the message names the line
  //   kUnavailable  the disk refused; likewise
  const absl::Status& status() const { return status_; }

  void SetDeadline(absl::Time deadline) { lines_->SetDeadline(deadline); }  // Of a pipe; default: waits without end.
  int64_t file_bytes() const { return lines_->file_bytes(); }  // Of the file as stored; 0 where it is not known.
  int64_t file_bytes_read() const { return lines_->file_bytes_read(); }

 protected:
  RowSource(std::unique_ptr<LineBuffer> lines, RowOptions options) : options_(options), lines_(std::move(lines)) {}

  Outcome Bad(absl::string_view problem, std::string message) {
    problem_ = problem;
    message_ = std::move(message);
    return Outcome::kBadLine;
  }
  Outcome End() {
    status_ = lines_->EndStatus();
    return Outcome::kEnd;
  }
  void KeepText(const char* begin, size_t size) {
    if (!options_.keep_text) return;
    if (size > 0 && begin[size - 1] == '\r') --size;
    text_.assign(begin, size);
  }

  const RowOptions options_;
  const std::unique_ptr<LineBuffer> lines_;
  std::vector<std::string> header_;
  std::vector<absl::string_view> fields_;
  int64_t line_ = 0;

 private:
  absl::string_view problem_;
  std::string message_;
  std::string text_;
  absl::Status status_;
};

}  // namespace polyscene
