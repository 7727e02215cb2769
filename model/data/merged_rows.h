// Rows of several files as one.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "model/data/row_source.h"

namespace polyscene {

// Gives the row with the earliest event time next, of those that stand first in their files; each file's own order is
// kept, whatever its times. Of equal times the file that was given first goes first. A row without a time goes where
// the row before it in its file went, before all others where there is none. Files without a column of event times
// follow each other as they were given. So the same files always give the same order.
//
// Memory: what each source holds, all of them being open at once.
// Not thread-safe.
class MergedRows {
 public:
  struct File {
    std::unique_ptr<RowSource> rows;
    int event_time_field = -1;  // -1: it has none.
  };

  explicit MergedRows(std::vector<File> files);  // At least one.

  // As RowSource::Next(), of the file at file(). A file that cannot be read on ends all: what stands behind in the
  // others would overtake what it still has to give.
  RowSource::Outcome Next();

  size_t file() const { return file_; }                // Of the last row or bad line.
  const RowSource& rows() const { return *current_; }  // Likewise; fields() stays valid until Next().
  const RowSource& rows(size_t file) const { return *files_[file].rows; }
  size_t size() const { return files_.size(); }

  // After kEnd: OK once every file has ended.
  const absl::Status& status() const { return status_; }

  void SetDeadline(absl::Time deadline);

 private:
  // Reads the next row of files_[file]; true once it waits for its turn or has ended, else `outcome` is for the caller.
  bool Advance(size_t file, RowSource::Outcome& outcome);

  int64_t EventTime(size_t file);  // Of the row that it has just read.

  std::vector<File> files_;
  std::vector<int64_t> last_times_;                  // Of each file's last row that had one.
  std::vector<size_t> to_advance_;                   // Files whose next row is to be read, the next one last.
  std::vector<std::pair<int64_t, size_t>> waiting_;  // (event time, file) of rows that are read: a heap.
  size_t file_ = 0;
  RowSource* current_;  // files_[file_]'s.
  absl::Status status_;
};

}  // namespace polyscene
