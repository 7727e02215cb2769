#include "server/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/feature/validation.h"
#include "server/metrics/resident_memory.h"
#include "server/metrics/series_table.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MetricsTest : public ::testing::Test {
 protected:
  // The value of a series, as it stands on /metrics; "absent" where it does not.
  std::string Value(const std::string& series) const {
    for (absl::string_view line : absl::StrSplit(metrics_.Text(), '\n')) {
      if (line.substr(0, series.size() + 1) == series + " ") return std::string(line.substr(series.size() + 1));
    }
    return "absent";
  }

  Metrics metrics_{TinyModel()};
};

TEST_F(MetricsTest, CountersStandAtZeroFromTheStart) {
  for (const char* scene : {"shop", "churn", "unknown"}) {
    EXPECT_EQ(Value(absl::StrCat("polyscene_predict_total{code=\"OK\",scene=\"", scene, "\"}")), "0");
    EXPECT_EQ(Value(absl::StrCat("polyscene_predict_total{code=\"RESOURCE_EXHAUSTED\",scene=\"", scene, "\"}")), "0");
    EXPECT_EQ(Value(absl::StrCat("polyscene_events_accepted_total{scene=\"", scene, "\"}")), "0");
    EXPECT_EQ(Value(absl::StrCat("polyscene_events_learned_total{scene=\"", scene, "\"}")), "0");
    for (absl::string_view reason : kRejectReasons) {
      EXPECT_EQ(Value(absl::StrCat("polyscene_events_rejected_total{reason=\"", reason, "\",scene=\"", scene, "\"}")),
                "0");
    }
  }
  EXPECT_EQ(Value("polyscene_publish_total{outcome=\"failed\"}"), "0");
}

TEST_F(MetricsTest, EverySeriesOfTheTableHasItsHelpText) {
  const std::string text = metrics_.Text();
  for (const SeriesDeclaration& series : SeriesTable()) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("# HELP ", series.name, " ", series.help, "\n")));
  }
}

TEST_F(MetricsTest, TheTableIsInTheOrderOfItsIds) {
  ASSERT_EQ(SeriesTable().size(), static_cast<size_t>(kSeriesCount));
  for (int id = 0; id < kSeriesCount; ++id) EXPECT_EQ(SeriesTable()[id].id, id);
}

TEST_F(MetricsTest, CountsPredictionsBySceneAndCode) {
  metrics_.Predicted(0, absl::StatusCode::kOk, 100, absl::Milliseconds(2));
  metrics_.Predicted(0, absl::StatusCode::kDeadlineExceeded, 50, absl::Seconds(1));
  metrics_.Predicted(-1, absl::StatusCode::kInvalidArgument, 0, absl::Microseconds(5));
  EXPECT_EQ(Value("polyscene_predict_total{code=\"OK\",scene=\"shop\"}"), "1");
  EXPECT_EQ(Value("polyscene_predict_total{code=\"DEADLINE_EXCEEDED\",scene=\"shop\"}"), "1");
  EXPECT_EQ(Value("polyscene_predict_total{code=\"INVALID_ARGUMENT\",scene=\"unknown\"}"), "1");
  EXPECT_EQ(Value("polyscene_predict_rows_total{scene=\"shop\"}"), "100");
  EXPECT_EQ(Value("polyscene_predict_seconds_count{scene=\"shop\"}"), "2");
  EXPECT_EQ(Value("polyscene_predict_seconds_bucket{scene=\"shop\",le=\"0.0025\"}"), "1");
}

TEST_F(MetricsTest, TellsPredictionsToWhoeverAsks) {
  metrics_.Predicted(0, absl::StatusCode::kOk, 100, absl::Microseconds(100));  // On a bound: within it.
  metrics_.Predicted(0, absl::StatusCode::kOk, 50, absl::Microseconds(200));
  metrics_.Predicted(0, absl::StatusCode::kUnavailable, 50, absl::Seconds(100));
  metrics_.Predicted(1, absl::StatusCode::kOk, 7, absl::Seconds(1));
  metrics_.Queue(12, 340);
  const PredictCounts counts = metrics_.Predictions(0);
  EXPECT_EQ(counts.requests, 3);
  EXPECT_EQ(counts.errors, 1);
  EXPECT_EQ(counts.rows, 150);
  EXPECT_EQ(counts.seconds.upper_bounds, *SeriesTable()[kPredictSeconds].buckets);
  ASSERT_EQ(counts.seconds.counts.size(), counts.seconds.upper_bounds.size() + 1);
  EXPECT_EQ(counts.seconds.counts[0], 1);
  EXPECT_EQ(counts.seconds.counts[1], 1);
  EXPECT_EQ(counts.seconds.counts[2], 0);
  EXPECT_EQ(counts.seconds.counts.back(), 1);
  EXPECT_NEAR(counts.seconds.sum, 100.0003, 1e-9);
  EXPECT_EQ(metrics_.rows_queued(), 12);
  EXPECT_EQ(Value("polyscene_queue_bytes"), "340");
}

TEST_F(MetricsTest, LatenciesAgainstTheTargetAreOfRequestsThatWereScoredOrTooLateToBe) {
  metrics_.Predicted(0, absl::StatusCode::kOk, 100, absl::Milliseconds(2));
  metrics_.Predicted(1, absl::StatusCode::kDeadlineExceeded, 50, absl::Seconds(1));
  metrics_.Predicted(0, absl::StatusCode::kResourceExhausted, 50, absl::Microseconds(20));
  metrics_.Predicted(-1, absl::StatusCode::kInvalidArgument, 0, absl::Microseconds(5));
  EXPECT_EQ(metrics_.predict_latency().Read().requests(), 2);
  EXPECT_EQ(metrics_.predict_latency().Read().slow(), 1);
}

TEST_F(MetricsTest, ACallerWhoGaveUpEarlyWasAnsweredTooSlowly) {
  metrics_.Predicted(0, absl::StatusCode::kDeadlineExceeded, 50, absl::Milliseconds(4));
  EXPECT_EQ(metrics_.predict_latency().Read().slow(), 1);
}

TEST_F(MetricsTest, WhatARequestWaitsForBehindItsScoresIsNotTheTrainersDoing) {
  metrics_.Predicted(0, absl::StatusCode::kOk, 50, absl::Seconds(1), absl::Milliseconds(2));
  EXPECT_EQ(metrics_.predict_latency().Read().slow(), 0);
  EXPECT_EQ(metrics_.Predictions(0).seconds.sum, 1);
}

TEST_F(MetricsTest, TellsTheTrainersShareAndWhatItIsMadeOf) {
  EXPECT_EQ(Value("polyscene_predict_target_seconds"), "0.01");  // The model file's default.
  EXPECT_EQ(Value("polyscene_trainer_share"), "1");
  EXPECT_EQ(Value("polyscene_trainer_seen_p99_seconds"), "Nan");
  metrics_.TrainerShare(0.25);
  metrics_.TrainerSaw(absl::Milliseconds(20));
  EXPECT_EQ(Value("polyscene_trainer_share"), "0.25");
  EXPECT_EQ(Value("polyscene_trainer_seen_p99_seconds"), "0.02");
  EXPECT_EQ(metrics_.trainer_share(), 0.25);
  metrics_.TrainerStoodBack(absl::Milliseconds(1500));
  EXPECT_EQ(Value("polyscene_trainer_stood_back_seconds_total"), "1.5");
}

TEST_F(MetricsTest, TellsRejectionsAndFreshnessToWhoeverAsks) {
  metrics_.EventsRejected(0, "not_finite", 2);
  metrics_.EventsRejected(-1, "unknown_scene", 7);
  metrics_.Freshness(absl::Seconds(2), 5);
  EXPECT_EQ(metrics_.events_rejected(), 9);
  const HistogramCounts freshness = metrics_.freshness_seconds();
  EXPECT_EQ(freshness.upper_bounds, *SeriesTable()[kFreshnessSeconds].buckets);
  EXPECT_EQ(std::accumulate(freshness.counts.begin(), freshness.counts.end(), uint64_t{0}), 5);
  EXPECT_EQ(freshness.sum, 10);
}

TEST_F(MetricsTest, CountsEventRows) {
  metrics_.EventsAccepted(1, 30);
  metrics_.EventsRejected(1, "not_finite", 2);
  metrics_.EventsRejected(-1, "unknown_scene", 7);
  metrics_.EventsLearned(1, 28);
  EXPECT_EQ(Value("polyscene_events_accepted_total{scene=\"churn\"}"), "30");
  EXPECT_EQ(Value("polyscene_events_rejected_total{reason=\"not_finite\",scene=\"churn\"}"), "2");
  EXPECT_EQ(Value("polyscene_events_rejected_total{reason=\"unknown_scene\",scene=\"unknown\"}"), "7");
  EXPECT_EQ(Value("polyscene_events_learned_total{scene=\"churn\"}"), "28");
}

TEST_F(MetricsTest, FreshnessCountsEachRow) {
  metrics_.Freshness(absl::Milliseconds(200), 10);
  metrics_.Freshness(absl::Seconds(2), 5);
  EXPECT_EQ(Value("polyscene_freshness_seconds_count"), "15");
  EXPECT_EQ(Value("polyscene_freshness_seconds_sum"), "12");
  EXPECT_EQ(Value("polyscene_freshness_seconds_bucket{le=\"0.1\"}"), "0");
  EXPECT_EQ(Value("polyscene_freshness_seconds_bucket{le=\"0.25\"}"), "10");
  EXPECT_EQ(Value("polyscene_freshness_seconds_bucket{le=\"2.5\"}"), "15");
}

TEST_F(MetricsTest, TellsOffsetsVersionTablesAndHealth) {
  metrics_.LogEndOffset(12345678901);
  metrics_.LearnedOffset(12345678900);
  metrics_.Published(absl::Milliseconds(3), 42);
  metrics_.PublishFailed();
  metrics_.CheckpointWritten(absl::Milliseconds(30));
  metrics_.CheckpointFailed();
  metrics_.Tables({{"item", 99}, {"not of this model", 1}}, 4096);
  metrics_.TrainerHealthy(false);
  EXPECT_EQ(Value("polyscene_log_end_offset"), "12345678901");
  EXPECT_EQ(Value("polyscene_learned_offset"), "12345678900");
  EXPECT_EQ(Value("polyscene_model_version"), "42");
  EXPECT_EQ(Value("polyscene_publish_total{outcome=\"ok\"}"), "1");
  EXPECT_EQ(Value("polyscene_publish_total{outcome=\"failed\"}"), "1");
  EXPECT_EQ(Value("polyscene_checkpoint_total{outcome=\"ok\"}"), "1");
  EXPECT_EQ(Value("polyscene_checkpoint_total{outcome=\"failed\"}"), "1");
  EXPECT_EQ(Value("polyscene_embedding_rows{table=\"item\"}"), "99");
  EXPECT_EQ(Value("polyscene_memory_bytes{kind=\"tables\"}"), "4096");
  EXPECT_EQ(Value("polyscene_trainer_healthy"), "0");
  EXPECT_THAT(metrics_.Text(), Not(HasSubstr("not of this model")));
}

TEST_F(MetricsTest, RowsLetGoAddUpOverLearners) {
  metrics_.Tables({{"item", 9, 3, 10, 20}}, 0);
  metrics_.Tables({{"item", 9, 2, 15, 20}}, 0);
  metrics_.Tables({{"item", 9, 1, 4, 1}}, 0);  // Of a learner that was loaded since.
  EXPECT_EQ(Value("polyscene_embedding_waiting_ids{table=\"item\"}"), "1");
  EXPECT_EQ(Value("polyscene_embedding_expired_total{table=\"item\"}"), "19");
  EXPECT_EQ(Value("polyscene_embedding_evicted_total{table=\"item\"}"), "21");
}

TEST_F(MetricsTest, TellsTheRecentEvaluationOfSceneAndTask) {
  EXPECT_EQ(Value("polyscene_task_auc{scene=\"shop\",task=\"click\"}"), "Nan");  // Not defined yet.
  metrics_.RecentEvaluation({{"shop", "click", "auc", 0.75, 10},
                             {"shop", "click", "log_loss", 0.5, 10},
                             {"shop", "click", "calibration", 1.25, 10},
                             {"shop", "click", "accuracy", 0.9, 10},
                             {"*", "spend", "mse", 4, 10}});
  EXPECT_EQ(Value("polyscene_task_auc{scene=\"shop\",task=\"click\"}"), "0.75");
  EXPECT_EQ(Value("polyscene_task_loss{scene=\"shop\",task=\"click\"}"), "0.5");
  EXPECT_EQ(Value("polyscene_task_calibration{scene=\"shop\",task=\"click\"}"), "1.25");
  EXPECT_EQ(Value("polyscene_task_loss{scene=\"*\",task=\"spend\"}"), "4");
  EXPECT_EQ(Value("polyscene_task_auc{scene=\"shop\",task=\"spend\"}"), "absent");  // Not a binary task.
}

TEST_F(MetricsTest, AForecastsLossIsTheMeanOverItsOutputs) {
  metrics_.RecentEvaluation({{"shop", "spend[0]", "mse", 1, 10}, {"shop", "spend[1]", "mse", 3, 10}});
  EXPECT_EQ(Value("polyscene_task_loss{scene=\"shop\",task=\"spend\"}"), "2");
}

TEST_F(MetricsTest, TellsTheFadingLossBesideTheWindows) {
  EXPECT_EQ(Value("polyscene_task_fading_loss{scene=\"shop\",task=\"click\"}"), "Nan");
  metrics_.RecentEvaluation({{"shop", "click", "log_loss", 0.5, 10}});
  metrics_.FadingEvaluation({{"shop", "click", "log_loss", 0.25, 14},
                             {"shop", "click", "accuracy", 0.9, 14},
                             {"*", "spend[0]", "mse", 1, 14},
                             {"*", "spend[1]", "mse", 3, 14}});
  EXPECT_EQ(Value("polyscene_task_loss{scene=\"shop\",task=\"click\"}"), "0.5");
  EXPECT_EQ(Value("polyscene_task_fading_loss{scene=\"shop\",task=\"click\"}"), "0.25");
  EXPECT_EQ(Value("polyscene_task_fading_loss{scene=\"*\",task=\"spend\"}"), "2");
}

TEST_F(MetricsTest, TellsHowTasksAndScenesShareTheNetwork) {
  EXPECT_EQ(Value("polyscene_task_gradient_cosine{other=\"spend\",task=\"click\"}"), "Nan");  // Not measured yet.
  BalanceFigures figures;
  figures.task_weights = {1, 0.25};
  figures.tasks = {{3, 4}, {1, -0.5, -0.5, 1}};
  figures.scenes = {{5, 6}, {1, 0.125, 0.125, 1}};
  metrics_.Balance(figures);
  EXPECT_EQ(Value("polyscene_task_loss_weight{task=\"spend\"}"), "0.25");
  EXPECT_EQ(Value("polyscene_task_gradient_norm{task=\"click\"}"), "3");
  EXPECT_EQ(Value("polyscene_task_gradient_cosine{other=\"spend\",task=\"click\"}"), "-0.5");
  EXPECT_EQ(Value("polyscene_task_gradient_cosine{other=\"click\",task=\"spend\"}"), "absent");  // Each pair once.
  EXPECT_EQ(Value("polyscene_scene_gradient_norm{scene=\"churn\"}"), "6");
  EXPECT_EQ(Value("polyscene_scene_gradient_cosine{other=\"churn\",scene=\"shop\"}"), "0.125");
}

TEST_F(MetricsTest, CountsDriftAlarmsAndNeverBack) {
  EXPECT_EQ(Value("polyscene_task_drift_alarms_total{scene=\"shop\",task=\"click\"}"), "0");
  metrics_.Drift({{"shop", "click", 0.25, 2, 7}});
  EXPECT_EQ(Value("polyscene_task_drift{scene=\"shop\",task=\"click\"}"), "0.25");
  EXPECT_EQ(Value("polyscene_task_drift_alarms_total{scene=\"shop\",task=\"click\"}"), "2");
  metrics_.Drift({{"shop", "click", 0.5, 1, 3}});  // Of an older checkpoint.
  EXPECT_EQ(Value("polyscene_task_drift{scene=\"shop\",task=\"click\"}"), "0.5");
  EXPECT_EQ(Value("polyscene_task_drift_alarms_total{scene=\"shop\",task=\"click\"}"), "2");
}

TEST_F(MetricsTest, MeasuresItsOwnMemoryAndAge) {
  EXPECT_GT(ResidentMemoryBytes(), uint64_t{1} << 20);
  EXPECT_GT(std::stod(Value("polyscene_memory_bytes{kind=\"resident\"}")), 1 << 20);
  EXPECT_GE(std::stod(Value("polyscene_uptime_seconds")), 0);
}

TEST_F(MetricsTest, SaysWhatRuns) {
  EXPECT_THAT(metrics_.Text(), HasSubstr("polyscene_build_info{fingerprint=\"" + TinyModel()->fingerprint_hex() +
                                         "\",model=\"tiny\",version=\""));
}

}  // namespace
}  // namespace polyscene
