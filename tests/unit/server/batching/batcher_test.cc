#include "server/batching/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_predictor.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kShop = 0;
constexpr int kClick = 0;
constexpr int kSpend = 1;

// A request of scene "shop" for items, and its answer.
class Call {
 public:
  explicit Call(std::vector<int64_t> items) : tasks_{kClick, kSpend} {
    context_.rows = 1;
    candidates_.rows = static_cast<int64_t>(items.size());
    candidates_.Add("item", ValueType::kInt64).ints = std::move(items);
    context_view_ = context_.View();
    candidates_view_ = candidates_.View();
  }

  PendingRequest Request(absl::Time deadline = absl::InfiniteFuture()) {
    PendingRequest request;
    request.scene = kShop;
    request.context = &context_view_;
    request.candidates = &candidates_view_;
    request.tasks = tasks_;
    request.rows = candidates_.rows;
    request.deadline = deadline;
    request.done = [this](absl::StatusOr<ScoredRequest> scored) { answer_.set_value(std::move(scored)); };
    return request;
  }

  absl::StatusOr<ScoredRequest> Wait() { return answer_.get_future().get(); }

 private:
  std::vector<int> tasks_;
  Table context_;
  Table candidates_;
  TableView context_view_;
  TableView candidates_view_;
  std::promise<absl::StatusOr<ScoredRequest>> answer_;
};

class BatcherTest : public ::testing::Test {
 protected:
  void Start(BatcherOptions options) {
    batcher_ = std::make_unique<Batcher>(options, predictor_, snapshots_, metrics_, clock_);
  }

  void Publish(uint64_t version) {
    SnapshotInfo info;
    info.version = version;
    ASSERT_TRUE(snapshots_.Publish(std::make_shared<Snapshot>(info)).ok());
  }

  // Has the one worker busy with a request of one row, so that what follows queues up.
  void Occupy() {
    predictor_.Hold();
    batcher_->Submit(occupant_.Request());
    predictor_.WaitUntilHeld(1);
  }

  std::shared_ptr<const ModelSpec> spec_ = TinyModel();
  FakePredictor predictor_{spec_};
  SnapshotStore snapshots_;
  Metrics metrics_{spec_};
  FakeClock clock_;
  Call occupant_{{0}};
  std::unique_ptr<Batcher> batcher_;
};

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

TEST_F(BatcherTest, WhatWaitsIsScoredTogetherOldestFirstUpToTheBatchLimit) {
  Publish(1);
  Start({.threads = 1, .max_batch_rows = 5});
  Occupy();
  Call two({1, 2}), three({1, 2, 3}), one({1}), seven({1, 2, 3, 4, 5, 6, 7});
  for (Call* call : {&two, &three, &one, &seven}) batcher_->Submit(call->Request());
  predictor_.Release();
  for (Call* call : {&two, &three, &one, &seven}) ASSERT_TRUE(call->Wait().ok());

  // The last one is larger than any batch may be and goes alone.
  EXPECT_THAT(predictor_.batches(), ElementsAre(ElementsAre(1), ElementsAre(2, 3), ElementsAre(1), ElementsAre(7)));
}

TEST_F(BatcherTest, BatchedScoresEqualUnbatchedOnes) {
  Publish(1);
  Start({.threads = 1, .max_batch_rows = 100});
  const std::vector<std::vector<int64_t>> items{{5}, {7, 1}, {2, 2, 9}};
  std::vector<std::vector<float>> alone, batched;
  for (const auto& list : items) {
    Call call(list);
    batcher_->Submit(call.Request());
    alone.push_back(call.Wait()->result.tasks[kClick].values);
  }
  Occupy();
  std::vector<std::unique_ptr<Call>> calls;
  for (const auto& list : items) {
    calls.push_back(std::make_unique<Call>(list));
    batcher_->Submit(calls.back()->Request());
  }
  predictor_.Release();
  for (const auto& call : calls) batched.push_back(call->Wait()->result.tasks[kClick].values);

  EXPECT_THAT(predictor_.batches().back(), ElementsAre(1, 2, 3));
  EXPECT_EQ(batched, alone);
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
  predictor_.Release();
  EXPECT_TRUE(three.Wait().ok());
  EXPECT_TRUE(one.Wait().ok());
}

TEST_F(BatcherTest, ARequestLargerThanTheQueueIsTakenWhenNobodyWaits) {
  Publish(1);
  Start({.threads = 1, .max_queue_rows = 2});
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
  Start({.threads = 3, .max_batch_rows = 8});
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

}  // namespace
}  // namespace polyscene
