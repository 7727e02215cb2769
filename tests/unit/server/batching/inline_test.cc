#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/server/batching/batcher_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Small requests, which who submits them scores.
class InlineTest : public BatcherFixture {
 protected:
  void SetUp() override { Publish(1); }

  // Submits it and returns the thread it was answered on, waiting for it if need be.
  std::thread::id AnsweringThread(Call& call) {
    std::promise<std::thread::id> thread;
    PendingRequest request = call.Request();
    request.done = [&, done = request.done](const absl::StatusOr<ScoredRequest>& scored) {
      done(scored);
      thread.set_value(std::this_thread::get_id());
    };
    batcher_->Submit(std::move(request));
    return thread.get_future().get();
  }

  // Has a thread of its own score a request of one row within Submit(), until the predictor is released.
  std::thread OccupyInline() {
    predictor_.Hold();
    std::thread thread([this] { batcher_->Submit(occupant_.Request()); });
    predictor_.WaitUntilHeld(1);
    return thread;
  }
};

TEST_F(InlineTest, ASmallRequestIsAnsweredOnTheThreadThatSubmitsIt) {
  StartInline({.threads = 2});
  Call call({10, 20});
  EXPECT_EQ(AnsweringThread(call), std::this_thread::get_id());
  const absl::StatusOr<ScoredRequest> scored = call.Wait();
  ASSERT_TRUE(scored.ok()) << scored.status();
  EXPECT_EQ(scored->snapshot.version, 1);
  EXPECT_THAT(scored->result.tasks[kClick].values, ElementsAre(1010, 1020));
  EXPECT_THAT(metrics_.Text(), HasSubstr("polyscene_batch_rows_sum 2\n"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("polyscene_queue_rows 0\n"));
}

TEST_F(InlineTest, OneOfMoreRowsIsAnsweredByAWorker) {
  StartInline({.threads = 2, .max_inline_rows = 2});
  Call call({10, 20, 30});
  EXPECT_NE(AnsweringThread(call), std::this_thread::get_id());
}

TEST_F(InlineTest, OneThatIsKnownToTakeLongIsAnsweredByAWorker) {
  StartInline({.threads = 1});
  std::thread slow = OccupyInline();
  clock_.Advance(absl::Milliseconds(5));
  predictor_.Release();
  slow.join();
  Call call({10});
  EXPECT_NE(AnsweringThread(call), std::this_thread::get_id());
}

TEST_F(InlineTest, WhereRequestsComeCloseBehindOneAnotherWorkersScoreThem) {
  StartInline({.threads = 2});
  std::thread first = OccupyInline();
  clock_.Advance(absl::Microseconds(50));
  predictor_.Release();
  first.join();
  const auto submit = [this](absl::Duration gap) {
    clock_.Advance(gap);
    Call call({10});
    return AnsweringThread(call) == std::this_thread::get_id();
  };
  EXPECT_TRUE(submit(absl::Milliseconds(1)));
  for (int i = 0; i < 10; ++i) submit(absl::Microseconds(60));
  EXPECT_FALSE(submit(absl::Microseconds(60)));
  EXPECT_FALSE(submit(absl::Milliseconds(1)));  // One gap says nothing yet.
  // Soon: a worker that has answered may hold its slot a moment longer.
  bool here = false;
  for (int i = 0; i < 10'000 && !here; ++i) here = submit(absl::Milliseconds(1));
  EXPECT_TRUE(here);
}

TEST_F(InlineTest, WhatComesMeanwhileWaitsInItsOrderForAWorker) {
  StartInline({.threads = 1});
  std::thread busy = OccupyInline();
  Call later({1, 2}), urgent({1});
  batcher_->Submit(later.Request());
  batcher_->Submit(urgent.Request(clock_.Now() + absl::Milliseconds(50)));
  predictor_.Release();
  busy.join();
  ASSERT_TRUE(later.Wait().ok());
  ASSERT_TRUE(urgent.Wait().ok());
  EXPECT_THAT(predictor_.batches(), ElementsAre(ElementsAre(1), ElementsAre(1, 2)));
}

TEST_F(InlineTest, WhileAWorkerHasTheOnlySlotASmallRequestWaits) {
  StartInline({.threads = 1, .max_inline_rows = 1});
  predictor_.Hold();
  Call large({1, 2}), small({1});
  batcher_->Submit(large.Request());
  predictor_.WaitUntilHeld(1);
  batcher_->Submit(small.Request());  // Would not come back before it is scored.
  EXPECT_THAT(predictor_.batches(), ElementsAre(ElementsAre(2)));
  predictor_.Release();
  ASSERT_TRUE(large.Wait().ok());
  ASSERT_TRUE(small.Wait().ok());
}

TEST_F(InlineTest, ThoughWorkersAreFreeOnlySoManyScoreWithinSubmit) {
  StartInline({.threads = 2, .max_inline_threads = 1});
  std::thread busy = OccupyInline();
  Call call({1});
  batcher_->Submit(call.Request());  // Would not come back before it is scored.
  predictor_.WaitUntilHeld(2);
  predictor_.Release();
  busy.join();
  ASSERT_TRUE(occupant_.Wait().ok());
  ASSERT_TRUE(call.Wait().ok());
}

TEST_F(InlineTest, AFailureIsAnsweredAndTheNextIsScored) {
  StartInline({.threads = 1});
  Call failed({1}), next({1});
  predictor_.FailWith(absl::ResourceExhaustedError("the device has no memory left"));
  EXPECT_EQ(AnsweringThread(failed), std::this_thread::get_id());
  EXPECT_EQ(failed.Wait().status().code(), absl::StatusCode::kResourceExhausted);
  predictor_.FailWith(absl::OkStatus());
  EXPECT_EQ(AnsweringThread(next), std::this_thread::get_id());
  EXPECT_TRUE(next.Wait().ok());
}

TEST_F(InlineTest, AnAnswerMaySubmitTheNextRequest) {
  StartInline({.threads = 1});
  Call first({1}), second({2});
  PendingRequest request = first.Request();
  request.done = [&](const absl::StatusOr<ScoredRequest>&) { batcher_->Submit(second.Request()); };
  batcher_->Submit(std::move(request));
  EXPECT_TRUE(second.Wait().ok());
}

TEST_F(InlineTest, AStopWaitsForTheAnswer) {
  StartInline({.threads = 1});
  predictor_.Hold();
  std::atomic<bool> answered{false};
  std::thread submitting([&] {
    PendingRequest request = occupant_.Request();
    request.done = [&](const absl::StatusOr<ScoredRequest>&) {
      for (int i = 0; i < 100; ++i) std::this_thread::yield();  // Time for a stop that would not wait.
      answered = true;
    };
    batcher_->Submit(std::move(request));
  });
  predictor_.WaitUntilHeld(1);
  std::thread stop([&] {
    batcher_->Stop();
    EXPECT_TRUE(answered);
  });
  predictor_.Release();
  stop.join();
  batcher_ = nullptr;  // Nobody may be using it.
  submitting.join();
}

TEST_F(InlineTest, AStopEndsWorkersThatWaitForASlot) {
  StartInline({.threads = 2});
  predictor_.Hold();
  Call first({1}), second({2});
  std::thread submitting([&] {
    PendingRequest request = occupant_.Request();
    // Its slot is given back last.
    request.done = [&](const absl::StatusOr<ScoredRequest>&) { EXPECT_TRUE(second.Wait().ok()); };
    batcher_->Submit(std::move(request));
  });
  predictor_.WaitUntilHeld(1);
  batcher_->Submit(first.Request());
  predictor_.WaitUntilHeld(2);
  batcher_->Submit(second.Request());  // One worker is left for it, and no slot.
  std::thread stop([&] { batcher_->Stop(); });
  std::vector<std::unique_ptr<Call>> more;  // Until one is refused: the stop has begun.
  for (bool stopping = false; !stopping; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
    more.push_back(std::make_unique<Call>(std::vector<int64_t>{3}));
    PendingRequest request = more.back()->Request();
    request.done = [&stopping](const absl::StatusOr<ScoredRequest>& scored) {
      if (!scored.ok()) stopping = true;
    };
    batcher_->Submit(std::move(request));
  }
  predictor_.Release();
  stop.join();
  submitting.join();
}

// Counts how many score at once.
class CountingPredictor : public FakePredictor {
 public:
  using FakePredictor::FakePredictor;

  absl::Status ScoreInto(const Snapshot& snapshot, absl::Span<const ScoreRequest> requests,
                         absl::Span<ScoreResult> results) override {
    const int now = ++scoring_;
    for (int most = most_; now > most && !most_.compare_exchange_weak(most, now);) {
    }
    std::this_thread::yield();
    const absl::Status status = FakePredictor::ScoreInto(snapshot, requests, results);
    --scoring_;
    return status;
  }

  int most() const { return most_; }

 private:
  std::atomic<int> scoring_{0};
  std::atomic<int> most_{0};
};

TEST_F(InlineTest, NeverMoreThanThreadsScoreAtOnceHoweverManySubmit) {
  CountingPredictor predictor(spec_);
  Batcher batcher(
      {.threads = 2, .min_batch_rows = 2, .max_batch_rows = 4, .max_inline_rows = 2, .max_inline_threads = 6},
      predictor, snapshots_, metrics_, clock_);
  std::vector<std::thread> clients;
  for (int64_t client = 0; client < 6; ++client) {
    clients.emplace_back([&, client] {
      for (int64_t i = 0; i < 100; ++i) {
        Call call(std::vector<int64_t>(1 + (client + i) % 7, i));
        batcher.Submit(call.Request());
        const absl::StatusOr<ScoredRequest> scored = call.Wait();
        ASSERT_TRUE(scored.ok()) << scored.status();
        ASSERT_EQ(scored->result.tasks[kClick].values[0], 1000.0f + static_cast<float>(i));
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_LE(predictor.most(), 2);
}

}  // namespace
}  // namespace polyscene
