#include "server/metrics/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "model/feature/validation.h"
#include "prometheus/text_serializer.h"
#include "server/metrics/balance_series.h"
#include "server/metrics/drift_series.h"
#include "server/metrics/resident_memory.h"
#include "server/metrics/series_builder.h"

namespace polyscene {
namespace {

constexpr int kStatusCodes = 17;  // OK to UNAUTHENTICATED.

using SceneTask = std::pair<std::string, std::string>;
using TaskGauges = std::map<SceneTask, prometheus::Gauge*>;

struct SceneSeries {
  std::array<prometheus::Counter*, kStatusCodes> predict_total;
  prometheus::Histogram* predict_seconds = nullptr;
  prometheus::Counter* predict_rows_total = nullptr;
  prometheus::Counter* events_accepted_total = nullptr;
  prometheus::Counter* events_learned_total = nullptr;
  std::map<absl::string_view, prometheus::Counter*> events_rejected_total;  // By reason.
};

SceneSeries MakeSceneSeries(SeriesBuilder& build, const std::string& scene) {
  SceneSeries series;
  for (int code = 0; code < kStatusCodes; ++code) {
    const std::string name = absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
    series.predict_total[code] = &build.Counter(kPredictTotal, {{"scene", scene}, {"code", name}});
  }
  series.predict_seconds = &build.Histogram(kPredictSeconds, {{"scene", scene}});
  series.predict_rows_total = &build.Counter(kPredictRowsTotal, {{"scene", scene}});
  series.events_accepted_total = &build.Counter(kEventsAcceptedTotal, {{"scene", scene}});
  series.events_learned_total = &build.Counter(kEventsLearnedTotal, {{"scene", scene}});
  for (absl::string_view reason : kRejectReasons) {
    series.events_rejected_total[reason] =
        &build.Counter(kEventsRejectedTotal, {{"scene", scene}, {"reason", std::string(reason)}});
  }
  return series;
}

uint64_t Count(const prometheus::Counter& counter) { return static_cast<uint64_t>(counter.Value()); }

// Prometheus counts what is within each bound, from the smallest value on; here each value is in one place.
HistogramCounts Read(const prometheus::Histogram& histogram) {
  const prometheus::ClientMetric::Histogram collected = histogram.Collect().histogram;
  HistogramCounts read;
  uint64_t before = 0;
  for (const prometheus::ClientMetric::Bucket& bucket : collected.bucket) {
    if (std::isfinite(bucket.upper_bound)) read.upper_bounds.push_back(bucket.upper_bound);
    read.counts.push_back(bucket.cumulative_count - before);
    before = bucket.cumulative_count;
  }
  read.sum = collected.sample_sum;
  return read;
}

// A wall clock that is set back must not make a duration below zero: a histogram's sum would go back with it.
double Seconds(absl::Duration took) { return std::max(0.0, absl::ToDoubleSeconds(took)); }

// "demand[3]" is an output of the forecast "demand".
absl::string_view TaskOfFigure(absl::string_view task) { return task.substr(0, task.find('[')); }

SceneTask SceneTaskOf(const EvaluationFigure& figure) { return {figure.scene, std::string(TaskOfFigure(figure.task))}; }

// A forecast's loss is the mean over its outputs.
void SetLosses(absl::Span<const EvaluationFigure> figures, const TaskGauges& gauges) {
  struct Mean {
    double sum = 0;
    int count = 0;
  };
  std::map<SceneTask, Mean> losses;
  for (const EvaluationFigure& figure : figures) {
    if (figure.metric != "log_loss" && figure.metric != "mse" && figure.metric != "pinball") continue;
    Mean& mean = losses[SceneTaskOf(figure)];
    mean.sum += figure.value;
    ++mean.count;
  }
  for (const auto& [key, mean] : losses) {
    if (const auto it = gauges.find(key); it != gauges.end()) it->second->Set(mean.sum / mean.count);
  }
}

}  // namespace

struct Metrics::Series {
  explicit Series(std::shared_ptr<const ModelSpec> model) : spec(std::move(model)) {}

  const std::shared_ptr<const ModelSpec> spec;
  const absl::Time started = absl::Now();
  mutable prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};

  std::vector<SceneSeries> scenes;  // One a scene, and "unknown" at the end.
  prometheus::Gauge *queue_rows, *queue_bytes, *batch_row_limit;
  prometheus::Gauge *log_end_offset, *learned_offset, *model_version, *trainer_healthy, *learning_paused;
  prometheus::Counter* trainer_stood_back;
  prometheus::Gauge *trainer_share, *trainer_seen_p99;
  prometheus::Gauge *log_bytes, *log_full, *log_broken;
  prometheus::Gauge *resident_bytes, *table_bytes, *uptime_seconds;
  prometheus::Gauge *joiner_requests, *joiner_bytes, *joiner_waiting_rows;
  prometheus::Counter *joined_rows, *repeated_labels, *corrected_labels, *assumed_negatives, *expired_rows;
  prometheus::Counter *remembered_ok, *remembered_failed;
  prometheus::Histogram *batch_rows, *freshness_seconds, *publish_seconds, *checkpoint_seconds;
  prometheus::Counter *publish_ok, *publish_failed, *checkpoint_ok, *checkpoint_failed, *checkpoint_corrupt;
  TaskGauges auc, loss, fading_loss, calibration;
  std::unique_ptr<BalanceSeries> balance;
  std::unique_ptr<DriftSeries> drift;
  struct TableSeries {
    prometheus::Gauge* rows = nullptr;
    prometheus::Gauge* waiting = nullptr;
    prometheus::Counter* expired = nullptr;
    prometheus::Counter* evicted = nullptr;
    TableRows told;  // What the counters have of the learner's figures, which begin anew with the learner.
  };
  absl::flat_hash_map<std::string, TableSeries> tables;

  const SceneSeries& scene(int index) const { return index < 0 ? scenes.back() : scenes[index]; }
};

Metrics::Metrics(std::shared_ptr<const ModelSpec> spec)
    : series_(std::make_unique<Series>(std::move(spec))),
      predict_latency_(absl::Seconds(series_->spec->file().serving().latency_target_seconds())) {
  Series& s = *series_;
  SeriesBuilder build(s.registry);
  for (const SceneSpec& scene : s.spec->scenes()) s.scenes.push_back(MakeSceneSeries(build, scene.name));
  s.scenes.push_back(MakeSceneSeries(build, "unknown"));

  s.queue_rows = &build.Gauge(kQueueRows, {});
  s.queue_bytes = &build.Gauge(kQueueBytes, {});
  s.batch_row_limit = &build.Gauge(kBatchRowLimit, {});
  s.batch_rows = &build.Histogram(kBatchRows, {});
  s.log_end_offset = &build.Gauge(kLogEndOffset, {});
  s.log_bytes = &build.Gauge(kLogBytes, {});
  s.log_full = &build.Gauge(kLogFull, {});
  s.log_broken = &build.Gauge(kLogBroken, {});
  s.learned_offset = &build.Gauge(kLearnedOffset, {});
  s.joiner_requests = &build.Gauge(kJoinerRequests, {});
  s.joiner_bytes = &build.Gauge(kJoinerBytes, {});
  s.joiner_waiting_rows = &build.Gauge(kJoinerWaitingRows, {});
  s.joined_rows = &build.Counter(kJoinerJoinedTotal, {});
  s.repeated_labels = &build.Counter(kJoinerRepeatedTotal, {});
  s.corrected_labels = &build.Counter(kJoinerCorrectedTotal, {});
  s.assumed_negatives = &build.Counter(kJoinerAssumedTotal, {});
  s.expired_rows = &build.Counter(kJoinerExpiredTotal, {});
  s.remembered_ok = &build.Counter(kJoinerRememberTotal, {{"outcome", "ok"}});
  s.remembered_failed = &build.Counter(kJoinerRememberTotal, {{"outcome", "failed"}});
  s.freshness_seconds = &build.Histogram(kFreshnessSeconds, {});
  s.publish_ok = &build.Counter(kPublishTotal, {{"outcome", "ok"}});
  s.publish_failed = &build.Counter(kPublishTotal, {{"outcome", "failed"}});
  s.publish_seconds = &build.Histogram(kPublishSeconds, {});
  s.model_version = &build.Gauge(kModelVersion, {});
  s.checkpoint_ok = &build.Counter(kCheckpointTotal, {{"outcome", "ok"}});
  s.checkpoint_failed = &build.Counter(kCheckpointTotal, {{"outcome", "failed"}});
  s.checkpoint_corrupt = &build.Counter(kCheckpointCorruptTotal, {});
  s.checkpoint_seconds = &build.Histogram(kCheckpointSeconds, {});
  s.trainer_healthy = &build.Gauge(kTrainerHealthy, {}, 1);
  s.learning_paused = &build.Gauge(kLearningPaused, {});
  s.trainer_stood_back = &build.Counter(kTrainerStoodBackSecondsTotal, {});
  s.trainer_share = &build.Gauge(kTrainerShare, {}, 1);
  s.trainer_seen_p99 = &build.Gauge(kTrainerSeenP99Seconds, {}, kUndefined);
  build.Gauge(kPredictTargetSeconds, {}, Seconds(predict_latency_.target()));

  const auto add_task = [&](const std::string& scene, const TaskSpec& task) {
    const prometheus::Labels labels{{"scene", scene}, {"task", task.name}};
    s.loss[{scene, task.name}] = &build.Gauge(kTaskLoss, labels, kUndefined);
    s.fading_loss[{scene, task.name}] = &build.Gauge(kTaskFadingLoss, labels, kUndefined);
    if (task.kind != TaskSpec::Kind::kBinary) return;
    s.auc[{scene, task.name}] = &build.Gauge(kTaskAuc, labels, kUndefined);
    s.calibration[{scene, task.name}] = &build.Gauge(kTaskCalibration, labels, kUndefined);
  };
  for (const SceneSpec& scene : s.spec->scenes()) {
    for (int task : scene.tasks) add_task(scene.name, s.spec->tasks()[task]);
  }
  for (const TaskSpec& task : s.spec->tasks()) add_task("*", task);
  s.balance = std::make_unique<BalanceSeries>(build, *s.spec);
  s.drift = std::make_unique<DriftSeries>(build, *s.spec);

  for (const TableSpec& table : s.spec->tables()) {
    const prometheus::Labels labels{{"table", table.name}};
    Series::TableSeries& series = s.tables[table.name];
    series.rows = &build.Gauge(kEmbeddingRows, labels);
    series.waiting = &build.Gauge(kEmbeddingWaitingIds, labels);
    series.expired = &build.Counter(kEmbeddingExpiredTotal, labels);
    series.evicted = &build.Counter(kEmbeddingEvictedTotal, labels);
  }
  s.resident_bytes = &build.Gauge(kMemoryBytes, {{"kind", "resident"}});
  s.table_bytes = &build.Gauge(kMemoryBytes, {{"kind", "tables"}});
  s.uptime_seconds = &build.Gauge(kUptimeSeconds, {});
  build.Gauge(
      kBuildInfo,
      {{"version", POLYSCENE_VERSION}, {"model", s.spec->file().name()}, {"fingerprint", s.spec->fingerprint_hex()}},
      1);
}

Metrics::~Metrics() = default;

void Metrics::Predicted(int scene, absl::StatusCode code, int64_t rows, absl::Duration took, absl::Duration scored) {
  const SceneSeries& series = series_->scene(scene);
  const int index = static_cast<int>(code);
  const bool canonical = index >= 0 && index < kStatusCodes;
  series.predict_total[canonical ? index : static_cast<int>(absl::StatusCode::kUnknown)]->Increment();
  series.predict_seconds->Observe(Seconds(took));
  // A request that is refused is answered at once, however slow the server is. One whose caller gave up was too slow.
  if (code == absl::StatusCode::kOk) predict_latency_.Record(scored);
  if (code == absl::StatusCode::kDeadlineExceeded) predict_latency_.Record(std::max(scored, predict_latency_.slow()));
  if (code == absl::StatusCode::kOk) series.predict_rows_total->Increment(static_cast<double>(rows));
}

void Metrics::Queue(int64_t rows, int64_t bytes) {
  series_->queue_rows->Set(static_cast<double>(rows));
  series_->queue_bytes->Set(static_cast<double>(bytes));
}

void Metrics::BatchRowLimit(int64_t rows) { series_->batch_row_limit->Set(static_cast<double>(rows)); }

void Metrics::BatchScored(int64_t rows) { series_->batch_rows->Observe(static_cast<double>(rows)); }

void Metrics::EventsAccepted(int scene, int64_t rows) {
  series_->scene(scene).events_accepted_total->Increment(static_cast<double>(rows));
}

void Metrics::EventsRejected(int scene, absl::string_view reason, int64_t rows) {
  const auto& by_reason = series_->scene(scene).events_rejected_total;
  const auto it = by_reason.find(reason);
  if (it != by_reason.end()) it->second->Increment(static_cast<double>(rows));
}

void Metrics::EventsLearned(int scene, int64_t rows) {
  series_->scene(scene).events_learned_total->Increment(static_cast<double>(rows));
}

void Metrics::LogEndOffset(uint64_t offset) { series_->log_end_offset->Set(static_cast<double>(offset)); }

void Metrics::LearnedOffset(uint64_t offset) { series_->learned_offset->Set(static_cast<double>(offset)); }

void Metrics::Joined(const JoinerCounts& more) {
  const auto add = [](prometheus::Counter& counter, uint64_t count) {
    if (count > 0) counter.Increment(static_cast<double>(count));
  };
  add(*series_->joined_rows, more.joined_rows);
  add(*series_->repeated_labels, more.repeated_labels);
  add(*series_->corrected_labels, more.corrected_labels);
  add(*series_->assumed_negatives, more.assumed_negatives);
  add(*series_->expired_rows, more.expired_rows);
}

void Metrics::JoinerHolds(uint64_t requests, uint64_t bytes, uint64_t waiting_rows) {
  series_->joiner_requests->Set(static_cast<double>(requests));
  series_->joiner_bytes->Set(static_cast<double>(bytes));
  series_->joiner_waiting_rows->Set(static_cast<double>(waiting_rows));
}

void Metrics::Remembered(bool ok) { (ok ? series_->remembered_ok : series_->remembered_failed)->Increment(); }

void Metrics::LogDisk(uint64_t bytes, bool full, bool broken) {
  series_->log_bytes->Set(static_cast<double>(bytes));
  series_->log_full->Set(full ? 1 : 0);
  series_->log_broken->Set(broken ? 1 : 0);
}

void Metrics::Freshness(absl::Duration from_acknowledged_to_served, int64_t rows) {
  const std::vector<double>& bounds = *SeriesTable()[kFreshnessSeconds].buckets;
  const double seconds = Seconds(from_acknowledged_to_served);
  std::vector<double> increments(bounds.size() + 1, 0);
  increments[std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin()] = static_cast<double>(rows);
  series_->freshness_seconds->ObserveMultiple(increments, seconds * static_cast<double>(rows));
}

void Metrics::Published(absl::Duration took, uint64_t version) {
  series_->publish_ok->Increment();
  series_->publish_seconds->Observe(Seconds(took));
  series_->model_version->Set(static_cast<double>(version));
}

void Metrics::PublishFailed() { series_->publish_failed->Increment(); }

void Metrics::CheckpointWritten(absl::Duration took) {
  series_->checkpoint_ok->Increment();
  series_->checkpoint_seconds->Observe(Seconds(took));
}

void Metrics::CheckpointFailed() { series_->checkpoint_failed->Increment(); }

void Metrics::CheckpointCorrupt() { series_->checkpoint_corrupt->Increment(); }

void Metrics::RecentEvaluation(absl::Span<const EvaluationFigure> figures) {
  SetLosses(figures, series_->loss);
  for (const EvaluationFigure& figure : figures) {
    const auto set = [&](const TaskGauges& gauges) {
      if (const auto it = gauges.find(SceneTaskOf(figure)); it != gauges.end()) it->second->Set(figure.value);
    };
    if (figure.metric == "auc") set(series_->auc);
    if (figure.metric == "calibration") set(series_->calibration);
  }
}

void Metrics::FadingEvaluation(absl::Span<const EvaluationFigure> figures) { SetLosses(figures, series_->fading_loss); }

void Metrics::Balance(const BalanceFigures& figures) { series_->balance->Set(figures); }

void Metrics::Drift(absl::Span<const DriftFigure> figures) { series_->drift->Set(figures); }

void Metrics::Tables(absl::Span<const TableRows> tables, uint64_t bytes) {
  const auto add = [](prometheus::Counter* counter, uint64_t now, uint64_t told) {
    counter->Increment(static_cast<double>(now >= told ? now - told : now));
  };
  for (const TableRows& table : tables) {
    const auto it = series_->tables.find(table.table);
    if (it == series_->tables.end()) continue;
    Series::TableSeries& series = it->second;
    series.rows->Set(static_cast<double>(table.rows));
    series.waiting->Set(static_cast<double>(table.waiting));
    add(series.expired, table.expired, series.told.expired);
    add(series.evicted, table.evicted, series.told.evicted);
    series.told = table;
  }
  series_->table_bytes->Set(static_cast<double>(bytes));
}

void Metrics::TrainerHealthy(bool healthy) { series_->trainer_healthy->Set(healthy ? 1 : 0); }

void Metrics::LearningPaused(bool paused) { series_->learning_paused->Set(paused ? 1 : 0); }

void Metrics::TrainerShare(double share) { series_->trainer_share->Set(share); }

void Metrics::TrainerStoodBack(absl::Duration slept) { series_->trainer_stood_back->Increment(Seconds(slept)); }

void Metrics::TrainerSaw(absl::Duration p99) { series_->trainer_seen_p99->Set(Seconds(p99)); }

PredictCounts Metrics::Predictions(int scene) const {
  const SceneSeries& series = series_->scene(scene);
  PredictCounts counts;
  for (int code = 1; code < kStatusCodes; ++code) counts.errors += Count(*series.predict_total[code]);
  counts.requests = counts.errors + Count(*series.predict_total[static_cast<int>(absl::StatusCode::kOk)]);
  counts.rows = Count(*series.predict_rows_total);
  counts.seconds = Read(*series.predict_seconds);
  return counts;
}

uint64_t Metrics::rows_queued() const { return static_cast<uint64_t>(series_->queue_rows->Value()); }

uint64_t Metrics::events_rejected() const {
  uint64_t rows = 0;
  for (const SceneSeries& scene : series_->scenes) {
    for (const auto& [reason, counter] : scene.events_rejected_total) rows += Count(*counter);
  }
  return rows;
}

HistogramCounts Metrics::freshness_seconds() const { return Read(*series_->freshness_seconds); }

double Metrics::trainer_stood_back_seconds() const { return series_->trainer_stood_back->Value(); }

double Metrics::trainer_share() const { return series_->trainer_share->Value(); }

JoinerCounts Metrics::joiner_counts() const {
  return {Count(*series_->joined_rows), Count(*series_->repeated_labels), Count(*series_->corrected_labels),
          Count(*series_->assumed_negatives), Count(*series_->expired_rows)};
}

JoinerHoldings Metrics::joiner_holdings() const {
  const auto read = [](const prometheus::Gauge& gauge) { return static_cast<uint64_t>(gauge.Value()); };
  return {read(*series_->joiner_requests), read(*series_->joiner_bytes), read(*series_->joiner_waiting_rows)};
}

std::string Metrics::Text() const {
  series_->resident_bytes->Set(static_cast<double>(ResidentMemoryBytes()));
  series_->uptime_seconds->Set(Seconds(absl::Now() - series_->started));
  return prometheus::TextSerializer().Serialize(series_->registry.Collect());
}

}  // namespace polyscene
