// Every series the server exports, declared in one table and made at start from the model file: never from a request.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "model/evaluation/evaluation.h"
#include "model/learning/learner.h"
#include "model/spec/model_spec.h"
#include "server/metrics/latency_meter.h"

namespace polyscene {

// A histogram, read.
struct HistogramCounts {
  std::vector<double> upper_bounds;  // Ascending; a value equal to a bound is within it. Behind the last one: infinity.
  std::vector<uint64_t> counts;      // [bounds + 1] Values within each bound and above the one before.
  double sum = 0;                    // Of all values.
};

// Predict requests since the start of the process.
struct PredictCounts {
  uint64_t requests = 0;    // Answered, errors included.
  uint64_t errors = 0;      // Answered with another code than OK.
  uint64_t rows = 0;        // Scored.
  HistogramCounts seconds;  // From a request's arrival to its answer, errors included.
};

// What the joiner did since the start of the process.
struct JoinerCounts {
  uint64_t joined_rows = 0;
  uint64_t repeated_labels = 0;
  uint64_t corrected_labels = 0;
  uint64_t assumed_negatives = 0;
  uint64_t expired_rows = 0;
};

// What its store holds.
struct JoinerHoldings {
  uint64_t requests = 0;
  uint64_t bytes = 0;
  uint64_t waiting_rows = 0;
};

// Any thread may call any method. Scenes are indexes into ModelSpec::scenes(); -1 (a scene the model file does not
// have) counts under the label "unknown".
class Metrics {
 public:
  explicit Metrics(std::shared_ptr<const ModelSpec> spec);
  ~Metrics();

  // Predict
  // scored: of the time it took, until its scores were there; the trainer is judged by that (LatencyMeter), and not by
  // the disk that a request waits for behind it.
  void Predicted(int scene, absl::StatusCode code, int64_t rows, absl::Duration took, absl::Duration scored);
  void Predicted(int scene, absl::StatusCode code, int64_t rows, absl::Duration took) {
    Predicted(scene, code, rows, took, took);
  }
  void Queue(int64_t rows, int64_t bytes);  // Waiting now.
  void BatchRowLimit(int64_t rows);
  void BatchScored(int64_t rows);

  // Events
  void EventsAccepted(int scene, int64_t rows);
  void EventsRejected(int scene, absl::string_view reason, int64_t rows);  // reason: one of kRejectReasons.
  void EventsLearned(int scene, int64_t rows);
  void LogEndOffset(uint64_t offset);
  void LearnedOffset(uint64_t offset);
  void LogDisk(uint64_t bytes, bool full, bool broken);

  // The joiner
  void Joined(const JoinerCounts& more);
  void JoinerHolds(uint64_t requests, uint64_t bytes, uint64_t waiting_rows);
  void Remembered(bool ok);  // A request that asked for it is, or is not.

  // Learning
  void Freshness(absl::Duration from_acknowledged_to_served, int64_t rows);
  void Published(absl::Duration took, uint64_t version);
  void PublishFailed();  // outcome "failed"
  void CheckpointWritten(absl::Duration took);
  void CheckpointFailed();
  void CheckpointCorrupt();                                           // One could not be read at the start.
  void RecentEvaluation(absl::Span<const EvaluationFigure> figures);  // Task AUC, loss, calibration; per scene and "*".
  void FadingEvaluation(absl::Span<const EvaluationFigure> figures);  // Task loss, likewise.
  void Balance(const BalanceFigures& figures);
  void Drift(absl::Span<const DriftFigure> figures);
  void Tables(absl::Span<const TableRows> tables, uint64_t bytes);
  void TrainerHealthy(bool healthy);
  void LearningPaused(bool paused);
  void TrainerShare(double share);
  void TrainerStoodBack(absl::Duration slept);
  void TrainerSaw(absl::Duration p99);  // Of Predict, where the share was set by it.

  // A request waits or is scored. An atomic addition, as the trainer's look at how many there are is an atomic load.
  void ScoringBegan() { in_scoring_.fetch_add(1, std::memory_order_relaxed); }
  void ScoringEnded() { in_scoring_.fetch_sub(1, std::memory_order_relaxed); }
  int64_t in_scoring() const { return in_scoring_.load(std::memory_order_relaxed); }

  // Latencies of the requests that were scored, or too late to be, against the model file's target.
  const LatencyMeter& predict_latency() const { return predict_latency_; }

  // What some of the series hold now, for those who ask the service and not /metrics.
  PredictCounts Predictions(int scene) const;
  uint64_t rows_queued() const;
  uint64_t events_rejected() const;  // Over all scenes and reasons.
  HistogramCounts freshness_seconds() const;
  double trainer_share() const;
  double trainer_stood_back_seconds() const;
  JoinerCounts joiner_counts() const;
  JoinerHoldings joiner_holdings() const;

  // Prometheus text format, resident memory and uptime measured now.
  std::string Text() const;

 private:
  struct Series;
  std::unique_ptr<Series> series_;
  LatencyMeter predict_latency_;
  std::atomic<int64_t> in_scoring_ = 0;
};

}  // namespace polyscene
