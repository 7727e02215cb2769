#include "server/rpc/status_report.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/metrics/resident_memory.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/model_state.h"

namespace polyscene {
namespace {

using FiguresByProducer = std::vector<std::pair<std::string, std::vector<EvaluationFigure>>>;

// Null where the producer has none.
const std::vector<EvaluationFigure>* FiguresOf(const FiguresByProducer& all, const std::string& producer) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.first == producer; });
  return found == all.end() ? nullptr : &found->second;
}

void FillFigures(const std::vector<EvaluationFigure>& figures,
                 google::protobuf::RepeatedPtrField<v1::EvaluationFigure>* into) {
  for (const EvaluationFigure& figure : figures) {
    v1::EvaluationFigure* out = into->Add();
    out->set_scene(figure.scene);
    out->set_task(figure.task);
    out->set_metric(figure.metric);
    out->set_value(figure.value);
    out->set_rows(figure.rows);
  }
}

absl::Status FillEvaluation(const LearningReport& report, const std::string& evaluation_of,
                            v1::GetStatusResponse* status) {
  const std::vector<EvaluationFigure>* learned = &report.recent;
  const std::vector<EvaluationFigure>* served = &report.recent_served;
  if (!evaluation_of.empty()) {
    learned = FiguresOf(report.opened, evaluation_of);
    served = FiguresOf(report.opened_served, evaluation_of);
    if (learned == nullptr) {
      return absl::NotFoundError(absl::StrCat("evaluation_of: producer '", CutText(evaluation_of, 64),
                                              "' has no evaluation in the served weights: expected one that opened its "
                                              "stream with `evaluate_from_micros`"));
    }
  }
  FillFigures(*learned, status->mutable_evaluation());
  FillFigures(report.fading, status->mutable_fading_evaluation());
  if (served != nullptr) FillFigures(*served, status->mutable_served_evaluation());
  return absl::OkStatus();
}

void FillHistogram(const HistogramCounts& counts, v1::Histogram* histogram) {
  histogram->mutable_upper_bounds()->Add(counts.upper_bounds.begin(), counts.upper_bounds.end());
  histogram->mutable_counts()->Add(counts.counts.begin(), counts.counts.end());
  histogram->set_sum(counts.sum);
}

void FillJoiner(const Metrics& metrics, v1::JoinerStatus* joiner) {
  const JoinerHoldings holdings = metrics.joiner_holdings();
  joiner->set_remembered_requests(holdings.requests);
  joiner->set_remembered_bytes(holdings.bytes);
  joiner->set_waiting_labels(holdings.waiting_rows);
  const JoinerCounts counts = metrics.joiner_counts();
  joiner->set_joined_rows(counts.joined_rows);
  joiner->set_repeated_labels(counts.repeated_labels);
  joiner->set_corrected_labels(counts.corrected_labels);
  joiner->set_assumed_negatives(counts.assumed_negatives);
  joiner->set_expired_labels(counts.expired_rows);
}

template <typename Specs>  // TaskSpecs or SceneSpecs: what has a name.
void FillWorstPair(const GradientFigures& figures, const Specs& specs,
                   const std::function<v1::GradientPair*()>& mutable_pair) {
  const std::optional<GradientPair> worst = WorstPair(figures);
  if (!worst.has_value()) return;
  v1::GradientPair* pair = mutable_pair();
  pair->set_first(specs[worst->first].name);
  pair->set_second(specs[worst->second].name);
  pair->set_cosine(worst->cosine);
}

void FillDrift(const std::vector<DriftFigure>& figures, v1::GetStatusResponse* status) {
  for (const DriftFigure& figure : figures) {
    v1::DriftStatus* out = status->add_drift();
    out->set_scene(figure.scene);
    out->set_task(figure.task);
    out->set_level(figure.level);
    out->set_alarms(figure.alarms);
    out->set_last_alarm_event_micros(figure.last_alarm_event_micros);
  }
}

}  // namespace

StatusReport::StatusReport(StatusReportOptions options, const EventLog& log, const LearningControl& control,
                           const SnapshotStore& snapshots, const Metrics& metrics)
    : options_(std::move(options)), log_(log), control_(control), snapshots_(snapshots), metrics_(metrics) {}

absl::Status StatusReport::Fill(const std::string& evaluation_of, v1::GetStatusResponse* status) const {
  const absl::Time now = absl::Now();
  const std::shared_ptr<const LearningReport> report = control_.Report();
  if (absl::Status filled = FillEvaluation(*report, evaluation_of, status); !filled.ok()) return filled;
  for (const TableRows& table : report->tables) {
    v1::TableStatus* out = status->add_tables();
    out->set_table(table.table);
    out->set_rows(table.rows);
    out->set_waiting_ids(table.waiting);
    out->set_expired_rows(table.expired);
    out->set_evicted_rows(table.evicted);
  }
  FillWorstPair(report->balance.tasks, options_.spec->tasks(), [status] { return status->mutable_worst_tasks(); });
  FillWorstPair(report->balance.scenes, options_.spec->scenes(), [status] { return status->mutable_worst_scenes(); });
  FillDrift(report->drift, status);
  if (const std::shared_ptr<const Snapshot> snapshot = snapshots_.Current(); snapshot != nullptr) {
    FillModelState(snapshot->info(), now, status->mutable_model());
  }
  status->set_fingerprint(options_.spec->fingerprint_hex());
  status->set_device(options_.device);
  status->set_serving(options_.serving());
  status->set_uptime_seconds(std::max(0.0, absl::ToDoubleSeconds(now - options_.started)));
  status->set_memory_resident_bytes(ResidentMemoryBytes());
  FillLearning(status);
  FillTraffic(status);
  FillJoiner(metrics_, status->mutable_joiner());
  return absl::OkStatus();
}

void StatusReport::FillLearning(v1::GetStatusResponse* status) const {
  const LearningPositions positions = control_.Positions();
  status->set_events_accepted(log_.rows_accepted());
  status->set_events_learned(positions.rows_learned);
  status->set_log_end_offset(log_.end_offset());
  status->set_learned_offset(positions.learned_offset);
  status->set_served_offset(positions.served_offset);
  status->set_checkpoint_offset(positions.checkpoint_offset);
  status->set_step(positions.step);
  status->set_trainer_error(std::string(control_.health().message()));
  status->set_learning_paused(control_.paused());
  status->set_trainer_share(metrics_.trainer_share());
  const LogDisk disk = log_.disk();
  status->set_log_bytes(disk.bytes);
  status->set_log_trouble(std::string(disk.trouble.message()));
}

void StatusReport::FillTraffic(v1::GetStatusResponse* status) const {
  const std::vector<SceneSpec>& scenes = options_.spec->scenes();
  for (size_t scene = 0; scene < scenes.size(); ++scene) {
    const PredictCounts counts = metrics_.Predictions(static_cast<int>(scene));
    v1::SceneTraffic* traffic = status->add_traffic();
    traffic->set_scene(scenes[scene].name);
    traffic->set_requests(counts.requests);
    traffic->set_errors(counts.errors);
    traffic->set_rows(counts.rows);
    FillHistogram(counts.seconds, traffic->mutable_predict_seconds());
  }
  status->set_queue_rows(metrics_.rows_queued());
  status->set_events_rejected(metrics_.events_rejected());
  FillHistogram(metrics_.freshness_seconds(), status->mutable_freshness_seconds());
}

}  // namespace polyscene
