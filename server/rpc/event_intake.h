// What happens to a batch between the wire and the log; shared by all event streams.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/feature/hash_key.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/training.pb.h"
#include "server/codec/late_labels.h"
#include "server/control/learning_control.h"
#include "server/eventlog/event_log.h"
#include "server/metrics/metrics.h"
#include "server/rpc/pending_budget.h"
#include "server/sync/mutex.h"

namespace polyscene {

struct EventIntakeOptions {
  std::shared_ptr<const ModelSpec> spec;
  HashKey hash_key;
  int64_t max_batch_events = 10000;
  int64_t max_pending_bytes = int64_t{64} << 20;  // Over all streams; then reading stops.
};

// Threads: any. The collaborators outlive it; it outlives every append's callback.
class EventIntake {
 public:
  EventIntake(EventIntakeOptions options, EventLog& log, LearningControl& control, Metrics& metrics);

  // Checks a producer id as it came. kInvalidArgument.
  static absl::Status CheckProducer(absl::string_view producer);

  // Gets the acknowledgement (without its watermark) once what it is of is durable, or the log's error; from the log's
  // own thread.
  using Acknowledge = std::function<void(absl::StatusOr<v1::StreamEventsResponse>)>;

  // Validates `batch`, takes its bad rows out and appends the rest.
  void Accept(const std::string& producer, v1::EventBatch batch, Acknowledge done);

  // Likewise for labels and exposures of remembered requests, which the joiner may refuse more rows of.
  void Accept(const std::string& producer, v1::LabelBatch batch, Acknowledge done);
  void Accept(const std::string& producer, v1::ExposureBatch batch, Acknowledge done);

  // Opens the evaluation of `producer`, unless it is open with this very time. `done` as above, perhaps at once.
  void OpenEvaluation(const std::string& producer, int64_t from_micros, std::function<void(absl::Status)> done);

  v1::Watermark WatermarkOf(const std::string& producer) const;

  PendingBudget& budget() { return budget_; }

 private:
  // Hands to the joiner what `checked` left of a batch of `rows_came` rows, `bytes` long.
  void Join(JoinInput input, CheckedRows checked, uint64_t sequence, int64_t rows_came, int64_t bytes,
            Acknowledge done);

  const EventIntakeOptions options_;
  EventLog& log_;
  LearningControl& control_;
  Metrics& metrics_;
  PendingBudget budget_;

  Mutex mu_;
  // What this process opened last, oldest first: fewer than the learner keeps, so that what is here is open there.
  // Opening again what is not here any more continues it, at the price of a log record.
  std::deque<std::pair<std::string, int64_t>> opened_ ABSL_GUARDED_BY(mu_);
};

}  // namespace polyscene
