// Cuts the event log into steps.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/learning/learner.h"
#include "model/spec/model_spec.h"
#include "server/codec/codec.h"
#include "server/eventlog/event_log.h"

namespace polyscene {

// Rows of one record within a step.
struct StepPart {
  int scene = -1;  // Index into ModelSpec::scenes().
  int64_t rows = 0;
  absl::Time accepted_at;
};

struct FormedStep {
  uint64_t begin = 0;
  uint64_t end = 0;
  bool journaled = false;  // It was learned before, by a process that ended since.
  // Valid until Advance(). Rows of a scene that the model file does not have any more are left out: perhaps all.
  std::vector<ExampleSlice> slices;
  std::vector<StepPart> parts;  // One a slice.
};

struct FormedOpening {
  uint64_t end = 0;
  std::string producer;
  int64_t from_micros = 0;
};

// A step is, where the journal knows one that begins here, that one. Else `step_rows` rows, across records and within
// them; fewer once the first of them has waited for step_wait, or where a control record follows. Control records stand
// alone.
//
// Not thread-safe.
class StepFormer {
 public:
  // Begins at `begin`, which may lie within a record. Errors as EventLog::Read().
  static absl::StatusOr<StepFormer> Create(std::shared_ptr<const ModelSpec> spec, const EventLog& log, uint64_t begin,
                                           int64_t step_rows, absl::Duration step_wait);

  // What comes next; nothing while too few rows wait. Asked again before Advance(), it answers the same or more.
  //   kDataLoss  a record cannot be read, or the journal and the log do not agree
  absl::StatusOr<std::variant<std::monostate, FormedStep, FormedOpening>> Next(absl::Time now);

  // What Next() gave is done; lets go of its rows.
  void Advance(uint64_t end);

  uint64_t begin() const { return begin_; }              // Everything before it is done.
  uint64_t read_offset() const { return read_offset_; }  // Everything before it was read.
  absl::Time due() const;  // When the rows that wait become a step of their own. Infinite future: none waits.

 private:
  // Records stay where they are while slices point into them.
  struct Waiting {
    LogEntry entry;
    std::optional<DecodedExamples> examples;  // Of events; into `entry`.
    int scene = -1;                           // -1: the model file has no such scene.
    absl::Time read_at;
    uint64_t end() const { return entry.offset + entry.count; }
  };

  StepFormer(std::shared_ptr<const ModelSpec> spec, const EventLog& log, std::unique_ptr<EventLog::Cursor> cursor,
             uint64_t begin, int64_t step_rows, absl::Duration step_wait);

  absl::Status ReadUntil(uint64_t offset, absl::Time now);  // Or to a control record, or the durable end.
  absl::StatusOr<uint64_t> StepEnd(uint64_t rows_end, absl::Time now) const;  // begin_: no step yet.
  FormedStep StepTo(uint64_t end) const;

  std::shared_ptr<const ModelSpec> spec_;
  const EventLog* log_;
  std::unique_ptr<EventLog::Cursor> cursor_;
  int64_t step_rows_;
  absl::Duration step_wait_;

  uint64_t begin_;
  uint64_t read_offset_;
  bool looked_up_ = false;  // Whether journaled_end_ is begin_'s.
  std::optional<uint64_t> journaled_end_;
  std::deque<std::unique_ptr<Waiting>> waiting_;  // Only the last one may be a control record.
};

}  // namespace polyscene
