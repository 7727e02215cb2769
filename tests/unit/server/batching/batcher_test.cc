#include "server/batching/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/batching/retry_hint.h"
#include "tests/unit/server/batching/batcher_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using BatcherTest = BatcherFixture;

TEST_F(BatcherTest, AnswersWithScoresAndTheSnapshotThatComputedThem) {
  Publish(3);
  Start({});
  Call call({10, 20});
  batcher_->Submit(call.Request());

  const absl::StatusOr<ScoredRequest> scored = call.Wait();
  ASSERT_TRUE(scored.ok()) << scored.status();
  EXPECT_EQ(scored->snapshot.version, 3);
  EXPECT_THAT(scored->result.tasks[kClick].values, ElementsAre(3010, 3020));
  EXPECT_THAT(scored->result.tasks[kSpend].values, ElementsAre(3011, 3021));
}

TEST_F(BatcherTest, WhatWaitsIsScoredTogetherUpToTheBatchLimit) {
  Publish(1);
  Start({.threads = 1, .min_batch_rows = 1, .max_batch_rows = 5});
  Occupy();
  Call two({1, 2}), three({1, 2, 3}), one({1});
  for (Call* call : {&two, &three, &one}) batcher_->Submit(call->Request());
  predictor_.Release();
  for (Call* call : {&two, &three, &one}) ASSERT_TRUE(call->Wait().ok());

  EXPECT_THAT(predictor_.batches(), ElementsAre(ElementsAre(1), ElementsAre(2, 3), ElementsAre(1)));
}

TEST_F(BatcherTest, TheMostUrgentIsScoredFirst) {
  Publish(1);
  Start({.threads = 1, .max_batch_rows = 3});
  Occupy();
  Call three({1, 2, 3}), two({1, 2}), one({1});
  batcher_->Submit(three.Request());
  batcher_->Submit(two.Request(clock_.Now() + absl::Milliseconds(90)));
  batcher_->Submit(one.Request(clock_.Now() + absl::Milliseconds(50)));
  predictor_.Release();
  for (Call* call : {&three, &two, &one}) ASSERT_TRUE(call->Wait().ok());

  EXPECT_THAT(predictor_.batches(), ElementsAre(ElementsAre(1), ElementsAre(1, 2), ElementsAre(3)));
}

TEST_F(BatcherTest, OneSnapshotServesAWholeBatchThoughANewerOneComes) {
  Publish(1);
  Start({.threads = 1});
  Occupy();
  Publish(2);
  predictor_.Release();
  EXPECT_EQ(occupant_.Wait()->snapshot.version, 1);
  Call next({1});
  batcher_->Submit(next.Request());
  EXPECT_EQ(next.Wait()->snapshot.version, 2);
}

TEST_F(BatcherTest, WithoutASnapshotItIsUnavailable) {
  Start({});
  Call call({1});
  batcher_->Submit(call.Request());
  EXPECT_EQ(call.Wait().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(BatcherTest, ARequestWhoseDeadlineHasPassedIsNotQueued) {
  Publish(1);
  Start({});
  Call call({1});
  batcher_->Submit(call.Request(clock_.Now()));
  EXPECT_EQ(call.Wait().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(predictor_.batches(), ElementsAre());
}

TEST_F(BatcherTest, ARequestWhoseDeadlinePassesInTheQueueIsNotScored) {
  Publish(1);
  Start({.threads = 1});
  Occupy();
  Call late({1, 2}), patient({1, 2, 3});
  batcher_->Submit(late.Request(clock_.Now() + absl::Milliseconds(50)));
  batcher_->Submit(patient.Request(clock_.Now() + absl::Milliseconds(150)));
  clock_.Advance(absl::Milliseconds(100));
  predictor_.Release();

  EXPECT_EQ(late.Wait().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(patient.Wait().ok());
  EXPECT_THAT(predictor_.batches(), ElementsAre(ElementsAre(1), ElementsAre(3)));
}

TEST_F(BatcherTest, AFullQueueRefusesWhatWouldNotFitAndTakesWhatStillFits) {
  Publish(1);
  Start({.threads = 1, .max_queue_rows = 4});
  Occupy();
  Call three({1, 2, 3}), two({1, 2}), one({1});
  batcher_->Submit(three.Request());
  batcher_->Submit(two.Request());
  batcher_->Submit(one.Request());

  const absl::Status full = two.Wait().status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("3 rows wait, the limit is 4"));
  EXPECT_TRUE(RetryHint(full).has_value());
  predictor_.Release();
  EXPECT_TRUE(three.Wait().ok());
  EXPECT_TRUE(one.Wait().ok());
}

TEST_F(BatcherTest, AQueueIsFullOfBytesToo) {
  Publish(1);
  Start({.threads = 1, .max_queue_bytes = 30});  // An item has 8.
  Occupy();
  Call three({1, 2, 3}), one({1});
  batcher_->Submit(three.Request());
  EXPECT_THAT(metrics_.Text(), HasSubstr("polyscene_queue_bytes 24\n"));
  batcher_->Submit(one.Request());
  const absl::Status full = one.Wait().status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("24 bytes wait, the limit is 30"));
  predictor_.Release();
  EXPECT_TRUE(three.Wait().ok());
}

TEST_F(BatcherTest, ARefusalSaysWhenWhatWaitsWillBeDone) {
  Publish(1);
  Start({.threads = 1, .max_queue_rows = 200});
  // Batches of 42 rows in 5 ms, 0.1 ms a row: by the first guess of what is fixed.
  for (int i = 0; i < 20; ++i) {
    predictor_.Hold();
    Call batch(std::vector<int64_t>(42, 1));
    batcher_->Submit(batch.Request());
    predictor_.WaitUntilHeld(1);
    clock_.Advance(absl::Milliseconds(5));
    predictor_.Release();
    ASSERT_TRUE(batch.Wait().ok());
  }
  Occupy();
  Call waiting(std::vector<int64_t>(150, 1)), refused(std::vector<int64_t>(51, 1));
  batcher_->Submit(waiting.Request());
  batcher_->Submit(refused.Request());

  const absl::Status full = refused.Wait().status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryHint(full), absl::Milliseconds(16));  // 15 of its rows and 0.8 of one batch, in whole milliseconds.
  EXPECT_THAT(std::string(full.message()), HasSubstr("150 rows wait, the limit is 200: retry in 16 ms"));
  predictor_.Release();
  EXPECT_TRUE(waiting.Wait().ok());
}

TEST_F(BatcherTest, ARequestLargerThanTheQueueIsTakenWhenNobodyWaits) {
  Publish(1);
  Start({.threads = 1, .max_queue_rows = 2, .max_queue_bytes = 2});
  Call large({1, 2, 3, 4});
  batcher_->Submit(large.Request());
  EXPECT_TRUE(large.Wait().ok());
}

TEST_F(BatcherTest, StoppingAnswersWhatWaitsAndRefusesWhatComes) {
  Publish(1);
  Start({.threads = 1});
  Occupy();
  Call waiting({1}), later({1});
  batcher_->Submit(waiting.Request());
  std::thread stop([this] { batcher_->Stop(); });
  predictor_.Release();
  stop.join();
  batcher_->Submit(later.Request());

  EXPECT_TRUE(occupant_.Wait().ok());
  EXPECT_TRUE(waiting.Wait().ok());
  EXPECT_EQ(later.Wait().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(BatcherTest, AFailedBatchFailsItsRequestsAndNoOthers) {
  Publish(1);
  Start({.threads = 1});
  Call failed({1}), next({1});
  predictor_.FailWith(absl::ResourceExhaustedError("the device has no memory left"));
  batcher_->Submit(failed.Request());
  EXPECT_EQ(failed.Wait().status().code(), absl::StatusCode::kResourceExhausted);
  predictor_.FailWith(absl::OkStatus());
  batcher_->Submit(next.Request());
  EXPECT_TRUE(next.Wait().ok());
}

TEST_F(BatcherTest, ManyClientsGetTheirOwnAnswersWhileVersionsChange) {
  Publish(1);
  Start({.threads = 3, .min_batch_rows = 1, .max_batch_rows = 8});
  std::vector<std::thread> clients;
  for (int client = 0; client < 4; ++client) {
    clients.emplace_back([this, client] {
      for (int64_t i = 0; i < 100; ++i) {
        Call call({client * 100 + i, i});
        batcher_->Submit(call.Request());
        const absl::StatusOr<ScoredRequest> scored = call.Wait();
        ASSERT_TRUE(scored.ok());
        const float base = 1000.0f * static_cast<float>(scored->snapshot.version);
        ASSERT_THAT(scored->result.tasks[kClick].values,
                    ElementsAre(base + static_cast<float>(client * 100 + i), base + static_cast<float>(i)));
      }
    });
  }
  for (uint64_t version = 2; version < 50; ++version) Publish(version);
  for (std::thread& client : clients) client.join();
}

TEST_F(BatcherTest, CountsRowsWaitingAndBatches) {
  Publish(1);
  Start({.threads = 1});
  Occupy();
  Call call({1, 2, 3});
  batcher_->Submit(call.Request());
  EXPECT_THAT(metrics_.Text(), HasSubstr("polyscene_queue_rows 3\n"));
  predictor_.Release();
  ASSERT_TRUE(call.Wait().ok());
  batcher_->Stop();
  EXPECT_THAT(metrics_.Text(), HasSubstr("polyscene_queue_rows 0\n"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("polyscene_batch_rows_sum 4\n"));
}

TEST_F(BatcherTest, BatchesBecomeAsLargeAsTheirMeasuredCostMakesWorthwhile) {
  Publish(1);
  Start({.threads = 1, .min_batch_rows = 2, .max_batch_rows = 1024});
  const auto score = [&](int64_t rows, absl::Duration took) {
    predictor_.Hold();
    Call call(std::vector<int64_t>(rows, 1));
    batcher_->Submit(call.Request());
    predictor_.WaitUntilHeld(1);
    clock_.Advance(took);
    predictor_.Release();
    ASSERT_TRUE(call.Wait().ok());
  };
  for (int i = 0; i < 50; ++i) {
    score(1, absl::Milliseconds(5));  // 4 + 1 a row: a batch of 76 spends a twentieth on what is fixed.
    score(26, absl::Milliseconds(30));
  }
  Occupy();
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 120; ++i) {
    calls.push_back(std::make_unique<Call>(std::vector<int64_t>{1}));
    batcher_->Submit(calls.back()->Request());
  }
  predictor_.Release();
  for (const auto& call : calls) ASSERT_TRUE(call->Wait().ok());
  const std::vector<std::vector<int64_t>> batches = predictor_.batches();
  const auto limit = static_cast<double>(batches[batches.size() - 2].size());
  EXPECT_NEAR(limit, 76, 2);
  batcher_->Stop();
  EXPECT_THAT(metrics_.Text(), HasSubstr("polyscene_batch_row_limit " + std::to_string(std::lround(limit)) + "\n"));
}

}  // namespace
}  // namespace polyscene
