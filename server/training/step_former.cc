#include "server/training/step_former.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/feature/fit_examples.h"

namespace polyscene {

absl::StatusOr<StepFormer> StepFormer::Create(std::shared_ptr<const ModelSpec> spec, const EventLog& log,
                                              uint64_t begin, int64_t step_rows, absl::Duration step_wait) {
  absl::StatusOr<std::unique_ptr<EventLog::Cursor>> cursor = log.Read(begin);
  if (!cursor.ok()) return cursor.status();
  return StepFormer(std::move(spec), log, *std::move(cursor), begin, step_rows, step_wait);
}

StepFormer::StepFormer(std::shared_ptr<const ModelSpec> spec, const EventLog& log,
                       std::unique_ptr<EventLog::Cursor> cursor, uint64_t begin, int64_t step_rows,
                       absl::Duration step_wait)
    : spec_(std::move(spec)),
      log_(&log),
      cursor_(std::move(cursor)),
      step_rows_(step_rows),
      step_wait_(step_wait),
      begin_(begin),
      read_offset_(begin) {}

absl::StatusOr<std::variant<std::monostate, FormedStep, FormedOpening>> StepFormer::Next(absl::Time now) {
  using Work = std::variant<std::monostate, FormedStep, FormedOpening>;
  // A clock that was set back puts nothing off.
  for (const std::unique_ptr<Waiting>& waiting : waiting_) waiting->read_at = std::min(waiting->read_at, now);
  if (!looked_up_) journaled_end_ = log_->JournaledStepEnd(begin_);
  looked_up_ = true;
  if (absl::Status status = ReadUntil(journaled_end_.value_or(begin_ + step_rows_), now); !status.ok()) return status;

  uint64_t rows_end = begin_;
  for (const std::unique_ptr<Waiting>& waiting : waiting_) {
    if (waiting->examples.has_value()) rows_end = waiting->end();
  }
  absl::StatusOr<uint64_t> end = StepEnd(rows_end, now);
  if (!end.ok()) return end.status();
  if (*end > begin_) return Work(StepTo(*end));
  if (rows_end == begin_ && !waiting_.empty()) {
    const LogEntry& entry = waiting_.front()->entry;
    return Work(
        FormedOpening{waiting_.front()->end(), entry.record.producer_id(), entry.record.evaluation().from_micros()});
  }
  return Work();
}

absl::Status StepFormer::ReadUntil(uint64_t offset, absl::Time now) {
  while (read_offset_ < offset && (waiting_.empty() || waiting_.back()->examples.has_value())) {
    absl::StatusOr<std::optional<LogEntry>> entry = cursor_->Next();
    if (!entry.ok()) return entry.status();
    if (!entry->has_value()) return absl::OkStatus();
    auto waiting = std::make_unique<Waiting>();
    waiting->entry = **std::move(entry);
    waiting->read_at = now;
    if (waiting->entry.record.has_events()) {
      const v1::EventBatch& batch = waiting->entry.record.events();
      absl::StatusOr<DecodedExamples> examples = DecodeRecord(waiting->entry.record);
      if (!examples.ok()) {
        return absl::DataLossError(absl::StrCat("event log: record at offset ", waiting->entry.offset,
                                                " cannot be decoded: ", examples.status().message()));
      }
      waiting->examples = *std::move(examples);
      if (FitExamples(*spec_, waiting->examples->view)) waiting->scene = spec_->FindScene(batch.scene());
    } else if (!waiting->entry.record.has_evaluation()) {
      return absl::DataLossError(absl::StrCat("event log: record at offset ", waiting->entry.offset,
                                              " is of a kind this version does not know"));
    }
    read_offset_ = waiting->end();
    waiting_.push_back(std::move(waiting));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> StepFormer::StepEnd(uint64_t rows_end, absl::Time now) const {
  if (journaled_end_.has_value()) {
    if (*journaled_end_ <= begin_ || *journaled_end_ > rows_end) {
      return absl::DataLossError(absl::StrCat("event log: the journal has a step from offset ", begin_, " to ",
                                              *journaled_end_, ", but rows follow only to offset ", rows_end));
    }
    return *journaled_end_;
  }
  const uint64_t full = begin_ + step_rows_;
  if (rows_end >= full) return full;
  const bool control_follows = !waiting_.empty() && !waiting_.back()->examples.has_value();
  return control_follows || now >= due() ? rows_end : begin_;
}

FormedStep StepFormer::StepTo(uint64_t end) const {
  FormedStep step;
  step.begin = begin_;
  step.end = end;
  step.journaled = journaled_end_.has_value();
  for (const std::unique_ptr<Waiting>& waiting : waiting_) {
    const LogEntry& entry = waiting->entry;
    if (entry.offset >= end) break;
    if (waiting->scene < 0) continue;  // Of a scene that the model file does not have any more.
    ExampleSlice slice;
    slice.examples = &waiting->examples->view;
    slice.begin = static_cast<int64_t>(std::max(begin_, entry.offset) - entry.offset);
    slice.end = static_cast<int64_t>(std::min(end, waiting->end()) - entry.offset);
    slice.producer = entry.record.producer_id();
    step.slices.push_back(slice);
    step.parts.push_back(
        {waiting->scene, slice.end - slice.begin, absl::FromUnixMicros(entry.record.accepted_at_micros())});
  }
  return step;
}

void StepFormer::Advance(uint64_t end) {
  begin_ = end;
  looked_up_ = false;
  while (!waiting_.empty() && waiting_.front()->end() <= end) waiting_.pop_front();
}

absl::Time StepFormer::due() const {
  return waiting_.empty() ? absl::InfiniteFuture() : waiting_.front()->read_at + step_wait_;
}

}  // namespace polyscene
