// Joins remembered requests with the labels that come later.
//
// The log calls it for every input, in the log's own order and within its own writes, so what it knows and what is
// logged never differ, and the trainer need not know of it: the log holds events like any others, made of exactly the
// features that were scored. See training.proto for the rules, record.proto for what it stores.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/spec/model_spec.h"
#include "server/eventlog/record_joiner.h"
#include "server/joiner/join_operation.h"
#include "server/joiner/monotone_clock.h"
#include "server/metrics/metrics.h"
#include "server/sync/clock.h"

namespace polyscene {

struct JoinerOptions {
  std::shared_ptr<const ModelSpec> spec;
  absl::Duration label_wait = absl::Minutes(10);     // How long labels wait for a request that is not remembered yet.
  int64_t max_remembered_bytes = int64_t{64} << 30;  // Before compression; beyond it requests are refused.
};

// Threads:  the overrides from the log's writer; the rest from any.
// Lifetime: `metrics` and `clock` outlive it, it outlives the log.
class Joiner final : public RecordJoiner {
 public:
  Joiner(JoinerOptions options, Metrics& metrics, const Clock& clock);

  absl::Status Load(LogStore& store) override;
  absl::StatusOr<JoinResult> Join(JoinInput input) override;
  bool Stage(rocksdb::WriteBatch* batch) override;
  void Commit() override;
  void Abandon() override;

  // Whether a Sweep would find something that is due.
  bool SweepDue();
  int64_t NowMicros() { return clock_.NowMicros(); }  // What windows go by; never goes back.
  // Gives disk space back where much of it is of requests that are gone. May take long.
  absl::Status Tidy();
  bool HasRoom() const { return bytes_.load(std::memory_order_relaxed) < options_.max_remembered_bytes; }
  int64_t remembered_bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  absl::Status Run(JoinOperation& operation, JoinInput input);
  void Publish();  // What the store holds, for those who count.

  const JoinerOptions options_;
  Metrics& metrics_;
  MonotoneClock clock_;
  LogStore* store_ = nullptr;  // Since Load().
  std::atomic<int64_t> bytes_{0};
  std::atomic<int64_t> replay_micros_{0};

  JoinerParts parts_;
  JoinerTotals durable_;
  JoinerTotals staged_;            // With what the group changes.
  std::vector<JoinerDone> group_;  // What its operations did.
  bool suspect_totals_ = false;    // A group that failed may come back with its own.
};

}  // namespace polyscene
