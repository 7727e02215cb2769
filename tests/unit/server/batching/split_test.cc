#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/server/batching/batcher_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// Requests of more rows than are scored at once.
class SplitTest : public BatcherFixture {
 protected:
  void Start(int threads, int64_t batch_rows) {
    Publish(1);
    BatcherFixture::Start({.threads = threads, .min_batch_rows = batch_rows, .max_batch_rows = batch_rows});
  }
};

TEST_F(SplitTest, TwoWorkersScoreItAtTheSameTimeAndItIsAnsweredOnceInOrder) {
  Start(/*threads=*/2, /*batch_rows=*/3);
  predictor_.Hold();
  Call call({10, 20, 30, 40, 50, 60});
  batcher_->Submit(call.Request());
  predictor_.WaitUntilHeld(2);
  predictor_.Release();

  const absl::StatusOr<ScoredRequest> scored = call.Wait();
  ASSERT_TRUE(scored.ok()) << scored.status();
  EXPECT_THAT(predictor_.batches(), ElementsAre(ElementsAre(3), ElementsAre(3)));
  EXPECT_EQ(scored->result.rows, 6);
  EXPECT_THAT(scored->result.tasks[kClick].values, ElementsAre(1010, 1020, 1030, 1040, 1050, 1060));
  EXPECT_THAT(scored->result.tasks[kSpend].values, ElementsAre(1011, 1021, 1031, 1041, 1051, 1061));
  EXPECT_EQ(scored->result.ranking, scored->result.tasks[kClick].values);
}

TEST_F(SplitTest, OneWorkerScoresItPartByPart) {
  Start(/*threads=*/1, /*batch_rows=*/3);
  Call call({10, 20, 30, 40, 50, 60, 70});
  batcher_->Submit(call.Request());
  const absl::StatusOr<ScoredRequest> scored = call.Wait();
  ASSERT_TRUE(scored.ok()) << scored.status();
  EXPECT_THAT(predictor_.batches(), ElementsAre(ElementsAre(3), ElementsAre(2), ElementsAre(2)));
  EXPECT_THAT(scored->result.tasks[kClick].values, ElementsAre(1010, 1020, 1030, 1040, 1050, 1060, 1070));
}

TEST_F(SplitTest, RowsOfContextAreSplitInASceneWithoutCandidates) {
  Start(/*threads=*/1, /*batch_rows=*/2);
  Table context;
  context.rows = 3;
  context.Add("visits", ValueType::kFloat).floats = {7, 8, 9};
  const TableView view = context.View();
  const std::vector<int> tasks{kClick};
  PendingRequest request;
  request.scene = 1;  // "churn".
  request.context = &view;
  request.tasks = tasks;
  request.rows = 3;
  std::promise<absl::StatusOr<ScoredRequest>> answer;
  request.done = [&](absl::StatusOr<ScoredRequest> scored) { answer.set_value(std::move(scored)); };
  batcher_->Submit(std::move(request));
  const absl::StatusOr<ScoredRequest> scored = answer.get_future().get();
  ASSERT_TRUE(scored.ok()) << scored.status();
  EXPECT_THAT(scored->result.tasks[0].values, ElementsAre(1007, 1008, 1009));
}

TEST_F(SplitTest, EveryPartIsScoredOnOneSnapshotThoughANewerOneComes) {
  Start(/*threads=*/1, /*batch_rows=*/2);
  predictor_.Hold();
  Call call({10, 20, 30, 40}), next({1});
  batcher_->Submit(call.Request());
  predictor_.WaitUntilHeld(1);
  Publish(2);
  batcher_->Submit(next.Request());
  predictor_.Release();

  const absl::StatusOr<ScoredRequest> scored = call.Wait();
  ASSERT_TRUE(scored.ok()) << scored.status();
  EXPECT_EQ(scored->snapshot.version, 1);
  EXPECT_THAT(scored->result.tasks[kClick].values, ElementsAre(1010, 1020, 1030, 1040));
  EXPECT_EQ(next.Wait()->snapshot.version, 2);
}

TEST_F(SplitTest, AnotherRequestIsNotScoredOnAPartsOlderSnapshot) {
  Start(/*threads=*/1, /*batch_rows=*/4);
  predictor_.Hold();
  Call large({1, 2, 3, 4, 5, 6}), small({1});
  batcher_->Submit(large.Request());
  predictor_.WaitUntilHeld(1);
  batcher_->Submit(small.Request());
  predictor_.Release();
  ASSERT_TRUE(large.Wait().ok());
  ASSERT_TRUE(small.Wait().ok());
  // The second part would have had room for it.
  EXPECT_THAT(predictor_.batches(), ElementsAre(ElementsAre(3), ElementsAre(3), ElementsAre(1)));
}

TEST_F(SplitTest, APartThatFailsFailsTheRequestOnceAndNoOther) {
  Start(/*threads=*/2, /*batch_rows=*/2);
  predictor_.Hold();
  Call call({1, 2, 3, 4, 5, 6, 7, 8}), other({1});
  batcher_->Submit(call.Request());
  predictor_.WaitUntilHeld(2);
  predictor_.FailWith(absl::ResourceExhaustedError("the device has no memory left"));
  predictor_.Release();
  EXPECT_EQ(call.Wait().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(predictor_.batches(), SizeIs(2));  // The parts that were taken; what waited is not scored.
  predictor_.FailWith(absl::OkStatus());
  batcher_->Submit(other.Request());
  EXPECT_TRUE(other.Wait().ok());
}

TEST_F(SplitTest, ADeadlineThatPassesLeavesTheRestUnscored) {
  Start(/*threads=*/1, /*batch_rows=*/2);
  predictor_.Hold();
  Call call({1, 2, 3, 4, 5, 6});
  batcher_->Submit(call.Request(clock_.Now() + absl::Milliseconds(50)));
  predictor_.WaitUntilHeld(1);
  clock_.Advance(absl::Milliseconds(50));
  predictor_.Release();
  EXPECT_EQ(call.Wait().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(predictor_.batches(), SizeIs(1));
}

TEST_F(SplitTest, AStopScoresThePartsThatWaitAndAnswers) {
  Start(/*threads=*/2, /*batch_rows=*/2);
  predictor_.Hold();
  Call call({10, 20, 30, 40, 50, 60, 70, 80}), waiting({1});
  batcher_->Submit(call.Request());
  predictor_.WaitUntilHeld(2);
  batcher_->Submit(waiting.Request());
  std::thread stop([this] { batcher_->Stop(); });
  predictor_.Release();
  stop.join();

  const absl::StatusOr<ScoredRequest> scored = call.Wait();
  ASSERT_TRUE(scored.ok()) << scored.status();
  EXPECT_THAT(scored->result.tasks[kClick].values, ElementsAre(1010, 1020, 1030, 1040, 1050, 1060, 1070, 1080));
  EXPECT_TRUE(waiting.Wait().ok());
  EXPECT_THAT(metrics_.Text(), HasSubstr("polyscene_queue_rows 0\n"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("polyscene_queue_bytes 0\n"));
}

}  // namespace
}  // namespace polyscene
