// What a server sees of a replay, and in which order.
#include "client/replay/replay_run.h"

#include <atomic>
#include <cmath>
#include <map>
#include <mutex>

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "tests/unit/client/lib/fake_prediction_service.h"
#include "tests/unit/client/lib/fake_training_service.h"
#include "tests/unit/client/replay/shop.h"

namespace polyscene::replay {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1'000'000;

class StatusService final : public v1::ModelService::Service {
 public:
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::GetStatusResponse* response) override {
    response->set_serving(true);
    return grpc::Status::OK;
  }
};

// A server that scores every row of "churn" with 0.5 and writes down what comes, as "predict at 100: ann bob" and
// "labels: ann=1 at 150": of scene "visits" alone.
class ReplayRunTest : public ::testing::Test {
 protected:
  ReplayRunTest() {
    prediction_.script = [this](int, const v1::PredictStreamRequest& request, FakePredictionService::Stream& stream) {
      return Predict(request, stream);
    };
    training_.on_labels = [this](const v1::LabelBatch& batch) {
      std::lock_guard<std::mutex> lock(mu_);
      for (int row = 0; row < batch.row_size(); ++row) {
        const std::string& id = batch.request_ids(static_cast<int>(batch.request(row)));
        seen_.push_back(absl::StrCat("label ", users_[id][batch.row(row)], "=", batch.labels(0).values(row), " at ",
                                     batch.label_times_micros(row) / kSecond));
      }
    };
    options_.feed.server = server_.address();
    options_.feed.interrupted = [this] { return interrupted_.load(); };
    options_.max_unserved = 0;  // Every label has come before the next prediction is asked for.
  }

  bool Predict(const v1::PredictStreamRequest& request, FakePredictionService::Stream& stream) {
    const v1::PredictRequest& asked = request.request();
    std::lock_guard<std::mutex> lock(mu_);
    std::vector<std::string> users(asked.context(0).strings().begin(), asked.context(0).strings().end());
    if (refuse_ != nullptr && refuse_(users)) {
      return FakePredictionService::Refuse(request, stream, 3, "a user that nobody knows");
    }
    EXPECT_TRUE(asked.remember());
    EXPECT_TRUE(users_.emplace(asked.request_id(), users).second) << "an id is given once";
    seen_.push_back(absl::StrCat("predict ", absl::StrJoin(users, " "), " at ", asked.event_time_micros() / kSecond));
    v1::PredictStreamResponse response;
    response.set_id(request.id());
    response.mutable_response()->set_remembered(remembers_);
    v1::TaskScores* const scores = response.mutable_response()->add_scores();
    scores->set_task("churn");
    scores->set_outputs(1);
    for (size_t row = 0; row < users.size(); ++row) scores->add_values(users[row][0] == 'a' ? 0.25f : 0.75f);
    stream.Write(response);
    return true;
  }

  // Plays the lines; `summary_` is what came of it.
  absl::Status Play(const std::string& lines) {
    ReplayRowsOptions reading;
    ReplayRun run(Shop(), options_);
    reading.on_rejected = [&run](const RejectedLine& line) { run.AddRejectedLine(line); };
    reading.stop = options_.feed.interrupted;
    const auto rows = OpenRows({ShopFile(lines)}, reading);
    if (absl::Status status = run.Play(*rows); !status.ok()) return status;
    absl::StatusOr<ReplaySummary> summary = run.Finish();
    if (summary.ok()) summary_ = *std::move(summary);
    return summary.status();
  }

  std::vector<std::string> Seen() {
    std::lock_guard<std::mutex> lock(mu_);
    return seen_;
  }

  StatusService status_;
  FakePredictionService prediction_;
  FakeTrainingService training_;
  TestServer server_{{&status_, &prediction_, &training_}};
  ReplayOptions options_;
  ReplaySummary summary_;
  std::atomic<bool> interrupted_{false};
  bool remembers_ = true;
  std::function<bool(const std::vector<std::string>&)> refuse_;
  std::mutex mu_;
  std::map<std::string, std::vector<std::string>> users_;  // Of each request, by id.
  std::vector<std::string> seen_;
};

TEST_F(ReplayRunTest, ARowIsPredictedAfterEveryLabelThatWasKnownByThenAndBeforeAnyLaterOne) {
  ASSERT_TRUE(Play("visits,100,150,,,ann,,,,,1,,,\n"
                   "visits,100,300,,,bob,,,,,0,,,\n"
                   "visits,150,160,,,cid,,,,,1,,,\n"
                   "visits,200,200,,,dan,,,,,0,,,\n")
                  .ok());
  EXPECT_THAT(seen_,
              ElementsAre("predict ann bob at 100", "label ann=1 at 150", "predict cid at 150", "label cid=1 at 160",
                          "predict dan at 200", "label dan=0 at 200", "label bob=0 at 300"));
  EXPECT_EQ(summary_.requests, 3);
  EXPECT_EQ(summary_.rows_predicted, 4);
  EXPECT_EQ(summary_.feed.rows_accepted, 4);
  EXPECT_EQ(summary_.labels_unsent, 0);
  // ann 0.25 churned; cid 0.75 did; bob and dan, both 0.75, did not.
  for (const EvaluationFigure& figure : summary_.answers) {
    if (figure.scene == "*" && figure.metric == "auc") {
      EXPECT_DOUBLE_EQ(figure.value, 0.25);
      EXPECT_EQ(figure.rows, 4u);
    }
  }
  EXPECT_FALSE(summary_.answers.empty());
}

TEST_F(ReplayRunTest, EveryRunHasRequestIdsOfItsOwn) {
  ASSERT_TRUE(Play("visits,100,150,,,ann,,,,,1,,,\n").ok());
  ASSERT_TRUE(Play("visits,100,150,,,ann,,,,,1,,,\n").ok());
  std::lock_guard<std::mutex> lock(mu_);
  EXPECT_THAT(users_, SizeIs(2));
}

TEST_F(ReplayRunTest, ARequestThatIsRefusedIsAskedRowByRowBeforeAnyLabelIsSent) {
  refuse_ = [](const std::vector<std::string>& users) {
    return std::find(users.begin(), users.end(), "bob") != users.end();
  };
  ASSERT_TRUE(Play("visits,100,150,,,ann,,,,,1,,,\n"
                   "visits,100,150,,,bob,,,,,0,,,\n"
                   "visits,100,150,,,cid,,,,,1,,,\n"
                   "visits,200,250,,,dan,,,,,0,,,\n")
                  .ok());
  EXPECT_THAT(Seen(), ElementsAre("predict ann at 100", "predict cid at 100", "label ann=1 at 150",
                                  "label cid=1 at 150", "predict dan at 200", "label dan=0 at 250"));
  EXPECT_EQ(summary_.feed.rows_rejected, 1);
  EXPECT_THAT(summary_.feed.rejections, HasSubstr("invalid_request 1"));
}

TEST_F(ReplayRunTest, ARequestWhoseAnswerIsLostIsAskedUnderAnotherId) {
  std::vector<std::string> ids;
  prediction_.script = [&](int stream, const v1::PredictStreamRequest& request, FakePredictionService::Stream& to) {
    {
      std::lock_guard<std::mutex> lock(mu_);
      ids.push_back(request.request().request_id());
    }
    return stream == 1 ? false : Predict(request, to);
  };
  ASSERT_TRUE(Play("visits,100,150,,,ann,,,,,1,,,\n").ok());
  std::lock_guard<std::mutex> lock(mu_);
  EXPECT_THAT(ids, SizeIs(2));
  EXPECT_NE(ids[0], ids[1]) << "the server may have remembered the first, with scores that never came";
  EXPECT_THAT(seen_, ElementsAre("predict ann at 100", "label ann=1 at 150"));
  EXPECT_EQ(summary_.rows_predicted, 1);
}

TEST_F(ReplayRunTest, LabelsThatAreRefusedAreNotEvaluated) {
  training_.refuse = [](uint64_t, uint32_t row) { return row == 1; };
  ASSERT_TRUE(
      Play("visits,100,150,,,ann,,,,,1,,,\nvisits,100,150,,,bob,,,,,0,,,\nvisits,100,150,,,cid,,,,,0,,,\n").ok());
  EXPECT_EQ(summary_.feed.rows_rejected, 1);
  for (const EvaluationFigure& figure : summary_.answers) EXPECT_EQ(figure.rows, 2u) << figure.metric;
}

TEST_F(ReplayRunTest, RowsWithoutLabelsAndRowsThatAreNotRememberedSendNone) {
  ASSERT_TRUE(Play("visits,100,150,,,ann,,,,,,,,\nvisits,100,150,,,bob,,,,,1,,,\n").ok());
  EXPECT_EQ(summary_.rows_unlabelled, 1);
  EXPECT_EQ(summary_.feed.rows_sent, 1);
  remembers_ = false;
  ASSERT_TRUE(Play("visits,100,150,,,ann,,,,,1,,,\n").ok());
  EXPECT_EQ(summary_.rows_not_remembered, 1);
  EXPECT_EQ(summary_.feed.rows_sent, 0);
}

TEST_F(ReplayRunTest, AnInterruptionSendsNoLabelAnyMore) {
  refuse_ = [this](const std::vector<std::string>& users) {
    if (users[0] == "dan") interrupted_ = true;
    return false;
  };
  ASSERT_TRUE(
      Play("visits,100,150,,,ann,,,,,1,,,\nvisits,200,250,,,dan,,,,,0,,,\nvisits,300,350,,,eve,,,,,0,,,\n").ok());
  EXPECT_THAT(Seen(), ElementsAre("predict ann at 100", "label ann=1 at 150", "predict dan at 200"));
  EXPECT_TRUE(summary_.feed.interrupted);
  EXPECT_EQ(summary_.labels_unsent, 1);
}

TEST_F(ReplayRunTest, WhatAServerCannotDoEndsTheReplay) {
  prediction_.script = [](int, const v1::PredictStreamRequest& request, FakePredictionService::Stream& stream) {
    return FakePredictionService::Refuse(request, stream, 9, "no model of this name");
  };
  const absl::Status status = Play("visits,100,150,,,ann,,,,,1,,,\n");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("predicting"), HasSubstr("no model of this name")));
}

TEST_F(ReplayRunTest, ASpeedHoldsEventsAndLabelsBackUntilTheirTime) {
  options_.speed = 1000;
  const absl::Time began = absl::Now();
  ASSERT_TRUE(Play("visits,100,200,,,ann,,,,,1,,,\n").ok());
  EXPECT_GE(absl::Now() - began, absl::Milliseconds(100)) << "100 seconds later, a thousand times faster";
}

}  // namespace
}  // namespace polyscene::replay
