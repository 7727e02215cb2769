#include "server/metrics/series_table.h"

namespace polyscene {
namespace {

using Buckets = std::vector<double>;
constexpr SeriesKind kCounter = SeriesKind::kCounter;
constexpr SeriesKind kGauge = SeriesKind::kGauge;
constexpr SeriesKind kHistogram = SeriesKind::kHistogram;

// A request of one row takes some 100 us, one of 500 rows some ms, a full queue a second.
const Buckets& RequestSeconds() {
  static const Buckets& buckets =
      *new Buckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
  return buckets;
}

// Publishes and checkpoints take milliseconds to minutes, and freshness is about a publish interval.
const Buckets& LearningSeconds() {
  static const Buckets& buckets =
      *new Buckets{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800};
  return buckets;
}

const Buckets& Rows() {
  static const Buckets& buckets = *new Buckets{1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000};
  return buckets;
}

}  // namespace

const std::vector<SeriesDeclaration>& SeriesTable() {
  static const auto& table = *new std::vector<SeriesDeclaration>{
      {kPredictTotal, kCounter, "polyscene_predict_total", "Predict requests answered, by status code.", nullptr},
      {kPredictSeconds, kHistogram, "polyscene_predict_seconds",
       "Time from a Predict request's arrival to its answer, errors included.", &RequestSeconds()},
      {kPredictRowsTotal, kCounter, "polyscene_predict_rows_total", "Rows scored for Predict.", nullptr},
      {kPredictTargetSeconds, kGauge, "polyscene_predict_target_seconds",
       "The model file's serving.latency_target_seconds: the trainer gives way while Predict's p99 is above it.",
       nullptr},
      {kQueueRows, kGauge, "polyscene_queue_rows", "Rows waiting to be scored.", nullptr},
      {kQueueBytes, kGauge, "polyscene_queue_bytes", "Bytes of the features of requests that wait.", nullptr},
      {kBatchRows, kHistogram, "polyscene_batch_rows", "Rows scored at once.", &Rows()},
      {kBatchRowLimit, kGauge, "polyscene_batch_row_limit",
       "Rows worth scoring at once, learned from what batches cost.", nullptr},
      {kEventsAcceptedTotal, kCounter, "polyscene_events_accepted_total", "Event rows logged durably.", nullptr},
      {kEventsRejectedTotal, kCounter, "polyscene_events_rejected_total", "Event rows refused, by reason.", nullptr},
      {kEventsLearnedTotal, kCounter, "polyscene_events_learned_total", "Event rows learned.", nullptr},
      {kLogEndOffset, kGauge, "polyscene_log_end_offset", "Everything in the event log before it is durable.", nullptr},
      {kLogBytes, kGauge, "polyscene_log_bytes", "Of the event log and the joiner's store on disk.", nullptr},
      {kLogFull, kGauge, "polyscene_log_full",
       "1 while producers are refused because the log's disk or its budget is spent, else 0.", nullptr},
      {kLogBroken, kGauge, "polyscene_log_broken",
       "1 once the log's disk failed: nothing is logged or learned until the server is restarted; else 0.", nullptr},
      {kLearnedOffset, kGauge, "polyscene_learned_offset", "Everything in the event log before it is learned.",
       nullptr},
      {kJoinerRequests, kGauge, "polyscene_joiner_requests", "Remembered requests whose windows are open.", nullptr},
      {kJoinerBytes, kGauge, "polyscene_joiner_bytes", "Bytes of remembered requests, before compression.", nullptr},
      {kJoinerWaitingRows, kGauge, "polyscene_joiner_waiting_rows", "Label rows whose request is not remembered yet.",
       nullptr},
      {kJoinerRememberTotal, kCounter, "polyscene_joiner_remember_total",
       "Predict requests that asked to be remembered, by outcome.", nullptr},
      {kJoinerJoinedTotal, kCounter, "polyscene_joiner_joined_total",
       "Rows logged of remembered features and labels that came later.", nullptr},
      {kJoinerRepeatedTotal, kCounter, "polyscene_joiner_repeated_total", "Labels that were known with the same value.",
       nullptr},
      {kJoinerCorrectedTotal, kCounter, "polyscene_joiner_corrected_total",
       "Labels that contradicted one learned before.", nullptr},
      {kJoinerAssumedTotal, kCounter, "polyscene_joiner_assumed_total",
       "Labels of exposed rows assumed to be negative.", nullptr},
      {kJoinerExpiredTotal, kCounter, "polyscene_joiner_expired_total", "Label rows that waited for a request in vain.",
       nullptr},
      {kFreshnessSeconds, kHistogram, "polyscene_freshness_seconds",
       "Time from an event row's acknowledgement to the publish of weights that learned it.", &LearningSeconds()},
      {kPublishTotal, kCounter, "polyscene_publish_total", "Publishes, by outcome.", nullptr},
      {kPublishSeconds, kHistogram, "polyscene_publish_seconds", "Time a publish takes.", &LearningSeconds()},
      {kModelVersion, kGauge, "polyscene_model_version", "Version of the served snapshot; 0 before the first.",
       nullptr},
      {kCheckpointTotal, kCounter, "polyscene_checkpoint_total", "Checkpoints, by outcome.", nullptr},
      {kCheckpointSeconds, kHistogram, "polyscene_checkpoint_seconds", "Time a checkpoint takes.", &LearningSeconds()},
      {kCheckpointCorruptTotal, kCounter, "polyscene_checkpoint_corrupt_total",
       "Checkpoints that could not be read at the start; an older one was used.", nullptr},
      {kTrainerHealthy, kGauge, "polyscene_trainer_healthy", "1 while the trainer learns, 0 while it stands still.",
       nullptr},
      {kLearningPaused, kGauge, "polyscene_learning_paused", "1 while learning is paused by an operator, else 0.",
       nullptr},
      {kTrainerShare, kGauge, "polyscene_trainer_share",
       "The share of the time that the trainer may work, so that Predict keeps its latency target: 0.02 to 1.",
       nullptr},
      {kTrainerStoodBackSecondsTotal, kCounter, "polyscene_trainer_stood_back_seconds_total",
       "Time that the trainer slept within steps because more requests were being scored than there are processors.",
       nullptr},
      {kTrainerSeenP99Seconds, kGauge, "polyscene_trainer_seen_p99_seconds",
       "p99 of Predict over the window of requests by which the trainer's share was set last; NaN before the first.",
       nullptr},
      {kTaskAuc, kGauge, "polyscene_task_auc",
       "Area under the ROC curve of a binary task, prequential, over the recent window; NaN where it is not defined.",
       nullptr},
      {kTaskLoss, kGauge, "polyscene_task_loss",
       "Log loss of a classification task, else mean squared error (a forecast's: mean over its outputs), prequential, "
       "over the recent window.",
       nullptr},
      {kTaskFadingLoss, kGauge, "polyscene_task_fading_loss",
       "The same as polyscene_task_loss, but of every row, each counting half of one that came the window's rows "
       "later.",
       nullptr},
      {kTaskCalibration, kGauge, "polyscene_task_calibration",
       "Sum of a binary task's predictions by the sum of its labels, prequential, over the recent window.", nullptr},
      {kTaskLossWeight, kGauge, "polyscene_task_loss_weight",
       "What multiplies a task's loss: its weight in the model file times that of the loss balance.", nullptr},
      {kTaskGradientNorm, kGauge, "polyscene_task_gradient_norm",
       "Norm of the gradient of a task's loss, before any weight, on the shared weights; exponential average.",
       nullptr},
      {kTaskGradientCosine, kGauge, "polyscene_task_gradient_cosine",
       "Cosine between the gradients of two tasks' losses on the shared weights, below 0 where they conflict; "
       "exponential "
       "average. Each pair once; NaN until both had labels in a measured step.",
       nullptr},
      {kSceneGradientNorm, kGauge, "polyscene_scene_gradient_norm",
       "Norm of the gradient of a scene's joint loss on the shared weights; exponential average.", nullptr},
      {kSceneGradientCosine, kGauge, "polyscene_scene_gradient_cosine",
       "Cosine between the gradients of two scenes' joint losses on the shared weights; as of tasks.", nullptr},
      {kTaskDrift, kGauge, "polyscene_task_drift",
       "How far the watched sum of what a task's prequential losses are above usual is on its way to an alarm: 0 to 1.",
       nullptr},
      {kTaskDriftAlarmsTotal, kCounter, "polyscene_task_drift_alarms_total",
       "Times that the loss of a scene's task was found to have risen, over the data directory's lifetime.", nullptr},
      {kEmbeddingRows, kGauge, "polyscene_embedding_rows", "Rows of an embedding table.", nullptr},
      {kEmbeddingWaitingIds, kGauge, "polyscene_embedding_waiting_ids",
       "Ids that were learned from but not often enough to have a row of the table.", nullptr},
      {kEmbeddingExpiredTotal, kCounter, "polyscene_embedding_expired_total",
       "Rows of an embedding table let go because their ids were not learned from for too long.", nullptr},
      {kEmbeddingEvictedTotal, kCounter, "polyscene_embedding_evicted_total",
       "Rows of an embedding table let go because others needed their room.", nullptr},
      {kMemoryBytes, kGauge, "polyscene_memory_bytes",
       "Memory: resident of the process; tables: embedding rows, their optimizer state and their index.", nullptr},
      {kUptimeSeconds, kGauge, "polyscene_uptime_seconds", "Time since the server started.", nullptr},
      {kBuildInfo, kGauge, "polyscene_build_info", "1; the labels say what runs.", nullptr},
  };
  return table;
}

}  // namespace polyscene
