// Collects why rows are refused. Private to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "model/feature/validation.h"

namespace polyscene {

// What makes a whole table or batch unreadable.
struct BatchError {
  absl::string_view reason;  // One of kRejectReasons.
  std::string message;
};

// The first error of each row, for up to `limit` rows.
class RowErrors {
 public:
  RowErrors(int64_t rows, int64_t limit) : rows_(rows), limit_(limit) {}

  // Keeps the error if the row has none yet. message: a callable, called only then.
  template <typename Message>
  void Add(int64_t row, absl::string_view reason, Message&& message) {
    if (full() || !Mark(row)) return;
    errors_.push_back({row, reason, message()});
  }

  bool full() const { return static_cast<int64_t>(errors_.size()) >= limit_; }  // Looking further is of no use.

  std::vector<RowError> Take();  // Ascending by row; once.

 private:
  bool Mark(int64_t row);  // False if it was marked before.

  const int64_t rows_;
  const int64_t limit_;
  std::vector<bool> marked_;  // [rows_] once there is an error.
  std::vector<RowError> errors_;
};

// A name that came from outside, as messages quote it: cut, and without what a terminal could trip over.
std::string Quoted(absl::string_view name);

// The rule that every list of missing rows follows: ascending, each once, below `rows`. Empty: it does.
//   `what`  names the list in the message
std::string DescribeBadMissingRows(absl::string_view what, absl::Span<const uint32_t> missing, int64_t rows);

// Walks a list of missing rows beside a loop over ascending rows.
class MissingRows {
 public:
  explicit MissingRows(absl::Span<const uint32_t> rows) : rows_(rows) {}

  bool Contains(int64_t row) {
    while (next_ < rows_.size() && rows_[next_] < row) ++next_;
    return next_ < rows_.size() && rows_[next_] == row;
  }

 private:
  absl::Span<const uint32_t> rows_;
  size_t next_ = 0;
};

}  // namespace polyscene
