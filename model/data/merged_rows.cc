#include "model/data/merged_rows.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "model/data/event_times.h"

namespace polyscene {

MergedRows::MergedRows(std::vector<File> files)
    : files_(std::move(files)),
      last_times_(files_.size(), std::numeric_limits<int64_t>::min()),
      current_(files_[0].rows.get()) {
  for (size_t file = files_.size(); file > 0; --file) to_advance_.push_back(file - 1);
}

RowSource::Outcome MergedRows::Next() {
  if (files_.size() == 1) {  // Nothing to wait for: no time is looked at.
    const RowSource::Outcome outcome = current_->Next();
    if (outcome == RowSource::Outcome::kEnd) status_ = current_->status();
    return outcome;
  }
  if (!status_.ok()) return RowSource::Outcome::kEnd;
  while (!to_advance_.empty()) {
    const size_t file = to_advance_.back();
    RowSource::Outcome outcome = RowSource::Outcome::kEnd;
    if (!Advance(file, outcome)) return outcome;
    to_advance_.pop_back();
  }
  if (waiting_.empty()) return RowSource::Outcome::kEnd;
  std::pop_heap(waiting_.begin(), waiting_.end(), std::greater<>());
  file_ = waiting_.back().second;
  current_ = files_[file_].rows.get();
  waiting_.pop_back();
  to_advance_.push_back(file_);  // Only with the next call: until then its fields are the caller's.
  return RowSource::Outcome::kRow;
}

bool MergedRows::Advance(size_t file, RowSource::Outcome& outcome) {
  file_ = file;
  current_ = files_[file].rows.get();
  outcome = current_->Next();
  switch (outcome) {
    case RowSource::Outcome::kBadLine:
    case RowSource::Outcome::kIdle:
      return false;
    case RowSource::Outcome::kEnd:
      status_ = current_->status();
      return status_.ok();
    case RowSource::Outcome::kRow:
      break;
  }
  waiting_.emplace_back(EventTime(file), file);
  std::push_heap(waiting_.begin(), waiting_.end(), std::greater<>());
  return true;
}

int64_t MergedRows::EventTime(size_t file) {
  const File& source = files_[file];
  if (source.event_time_field < 0) return 0;
  ParseTimeMicros(source.rows->fields()[source.event_time_field],
                  &last_times_[file]);  // Leaves it where there is none.
  return last_times_[file];
}

void MergedRows::SetDeadline(absl::Time deadline) {
  for (File& file : files_) file.rows->SetDeadline(deadline);
}

}  // namespace polyscene
