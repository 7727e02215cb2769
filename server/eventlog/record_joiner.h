// What turns labels and exposures of remembered requests into records of events, within the log's own write. The log
// declares it; server/joiner is it.
#pragma once

#include <rocksdb/write_batch.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "polyscene/v1/record.pb.h"
#include "polyscene/v1/training.pb.h"
#include "server/eventlog/log_store.h"

namespace polyscene {

// A request that Predict scored, to be kept.
struct RequestToRemember {
  std::string request_id;
  int scene = 0;  // Index into ModelSpec::scenes().
  int64_t event_time_micros = 0;
  bool replayed = false;
  std::string bytes;  // The serialized RememberedRequest, with the same values.
};

// Windows that have closed are to be looked for.
struct Sweep {};

struct JoinInput {
  std::string producer_id;         // Of labels and exposures; their sequence moves its watermark.
  int64_t accepted_at_micros = 0;  // Of the records that come of it.
  std::variant<v1::LabelBatch, v1::ExposureBatch, RequestToRemember, Sweep> what;
};

// A row that could not be joined.
struct RefusedRow {
  uint32_t row = 0;          // As numbered in the input.
  int scene = -1;            // Index into ModelSpec::scenes(), where its request is known.
  absl::string_view reason;  // One of kRejectReasons.
  std::string message;
};

struct JoinResult {
  std::vector<v1::LogRecord> records;  // Events of one scene each, of at least one row, to be logged in this order.
  std::vector<RefusedRow> refused;     // Ascending by row.
  uint64_t accepted_rows = 0;          // Rows of labels or exposures of which nothing was refused.
};

// The log's writer calls it, group after group: Load() once, then Join() for each input of a group, Stage(), and with
// the outcome of the group's write Commit() or Abandon() (a group that changes nothing at all is not written). An input
// sees what those before it in its group left.
class RecordJoiner {
 public:
  virtual ~RecordJoiner() = default;

  // Takes up the state that `store`, which outlives the calls below, holds.  kDataLoss: it cannot be read.
  virtual absl::Status Load(LogStore& store) = 0;

  // After an error, nothing of `input` is left.
  //   kResourceExhausted  a request that there is no room for
  //   kDataLoss, kInternal  the store cannot be read
  virtual absl::StatusOr<JoinResult> Join(JoinInput input) = 0;

  // Adds what the group changes to `batch`; false if that is nothing.
  virtual bool Stage(rocksdb::WriteBatch* batch) = 0;
  virtual void Commit() = 0;   // It is durable.
  virtual void Abandon() = 0;  // It is not, though some of it may come back when the store is opened again.
};

}  // namespace polyscene
