#include "server/batching/request_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

// Requests are told apart by their scene.
class RequestQueueTest : public ::testing::Test {
 protected:
  void Push(int scene, int64_t rows, absl::Duration deadline = absl::InfiniteDuration()) {
    PendingRequest request;
    request.scene = scene;
    request.rows = rows;
    request.deadline = now_ + deadline;
    queue_.Push(std::move(request), /*bytes=*/10 * rows, now_);
  }

  Work Take(const RequestQueue::Limits& limits) {
    Work work;
    queue_.Take(now_, limits, work);
    return work;
  }

  static std::vector<int> Scenes(const std::vector<QueuedRequest*>& requests) {
    std::vector<int> scenes;
    for (const QueuedRequest* request : requests) scenes.push_back(request->request.scene);
    return scenes;
  }

  // All that waits, one request at a time.
  std::vector<int> Order() {
    std::vector<int> scenes;
    while (!queue_.empty()) {
      const Work work = Take({1, 1'000, 0});
      scenes.push_back(work.whole.front()->request.scene);
      queue_.Release(work.whole.front());
    }
    return scenes;
  }

  // A part of `request` has its scores, of the rows from `begin` on: twice, and as a ranking.
  bool Finish(QueuedRequest& request, int64_t begin, std::vector<float> scores) {
    ScoreResult part;
    part.rows = static_cast<int64_t>(scores.size());
    part.ranking = scores;
    part.tasks.push_back({0, 1, scores});
    part.tasks.push_back({1, 1, std::move(scores)});
    queue_.MakeRoom(request, part);
    CopyPart(part, begin, *request.joined);
    return queue_.FinishPart(request, absl::OkStatus());
  }

  absl::Time now_ = kStart;
  RequestQueue queue_;
};

TEST_F(RequestQueueTest, TheEarliestDeadlineComesFirst) {
  Push(0, 1, absl::Milliseconds(50));
  Push(1, 1, absl::Milliseconds(20));
  Push(2, 1, absl::Milliseconds(90));
  Push(3, 1, absl::Milliseconds(30));
  EXPECT_THAT(Order(), ElementsAre(1, 3, 0, 2));
}

TEST_F(RequestQueueTest, EqualDeadlinesComeInTheOrderOfArrival) {
  for (int scene = 0; scene < 6; ++scene) Push(scene, 1, absl::Milliseconds(scene < 3 ? 50 : 20));
  EXPECT_THAT(Order(), ElementsAre(3, 4, 5, 0, 1, 2));
}

TEST_F(RequestQueueTest, WithoutADeadlineItComesAfterThoseThatHaveOne) {
  Push(0, 1);
  Push(1, 1, absl::Milliseconds(200));
  Push(2, 1);
  Push(3, 1, absl::Milliseconds(100));
  EXPECT_THAT(Order(), ElementsAre(3, 1, 0, 2));
}

TEST_F(RequestQueueTest, WithoutADeadlineOrWithAFarOneItIsNotStarved) {
  Push(0, 1);
  Push(1, 1, absl::Hours(1));
  // Urgent requests keep coming; each round, one of all that wait is scored.
  std::vector<int> taken;
  while (std::find(taken.begin(), taken.end(), 1) == taken.end()) {
    Push(2, 1, absl::Milliseconds(100));
    Push(2, 1, absl::Milliseconds(100));
    const Work work = Take({1, 1, 0});
    for (QueuedRequest* request : work.dead) queue_.Release(request);
    taken.push_back(work.whole.front()->request.scene);
    now_ += absl::Milliseconds(10);
    ASSERT_LE(now_, kStart + RequestQueue::kPatience + absl::Milliseconds(100));
  }
  EXPECT_GE(now_, kStart + RequestQueue::kPatience - absl::Milliseconds(100));
  EXPECT_EQ(taken[taken.size() - 2], 0);
}

TEST_F(RequestQueueTest, WholeRequestsAreTakenTogetherUpToTheLimit) {
  Push(0, 2);
  Push(1, 3);
  Push(2, 1);
  EXPECT_EQ(queue_.rows(), 6);
  EXPECT_EQ(queue_.bytes(), 60);
  const Work first = Take({5, 100, 0});
  EXPECT_THAT(Scenes(first.whole), ElementsAre(0, 1));
  EXPECT_EQ(first.rows, 5);
  EXPECT_EQ(queue_.rows(), 1);
  EXPECT_EQ(queue_.bytes(), 10);
  EXPECT_THAT(Scenes(Take({5, 100, 0}).whole), ElementsAre(2));
  EXPECT_TRUE(queue_.empty());
}

TEST_F(RequestQueueTest, ALargeRequestGoesWholeWhereNoWorkerIsIdle) {
  Push(0, 30);
  Push(1, 1);
  const Work work = Take({10, 100, 0});
  EXPECT_THAT(Scenes(work.whole), ElementsAre(0));
  EXPECT_EQ(work.rows, 30);
  EXPECT_EQ(work.in_part, nullptr);
}

TEST_F(RequestQueueTest, ALargeRequestIsSharedAmongIdleWorkers) {
  Push(0, 31);
  const Work first = Take({10, 100, 2});
  const Work second = Take({10, 100, 1});
  EXPECT_EQ(queue_.rows(), 10);
  EXPECT_EQ(queue_.bytes(), 310);  // Its tables stay until its last row is taken.
  const Work third = Take({10, 100, 0});
  ASSERT_NE(first.in_part, nullptr);
  EXPECT_EQ(second.in_part, first.in_part);
  EXPECT_EQ(third.in_part, first.in_part);
  EXPECT_THAT((std::vector<int64_t>{first.begin, first.end, second.begin, second.end, third.begin, third.end}),
              ElementsAre(0, 11, 11, 21, 21, 31));
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.rows(), 0);
  EXPECT_EQ(queue_.bytes(), 0);
}

TEST_F(RequestQueueTest, ItHasNoMorePartsThanItsRowsAreWorth) {
  Push(0, 11);
  const Work work = Take({10, 100, 7});
  EXPECT_EQ(work.rows, 6);
}

TEST_F(RequestQueueTest, NoPartHasMoreRowsThanMayBeScoredAtOnce) {
  Push(0, 21);
  EXPECT_EQ(Take({10, 10, 0}).rows, 7);
  EXPECT_EQ(Take({10, 10, 0}).rows, 7);
  EXPECT_EQ(Take({10, 10, 0}).rows, 7);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(RequestQueueTest, SomethingMoreUrgentComesBetweenTheParts) {
  Push(0, 20);
  EXPECT_NE(Take({10, 10, 0}).in_part, nullptr);
  Push(1, 2, absl::Milliseconds(50));
  EXPECT_THAT(Scenes(Take({10, 10, 0}).whole), ElementsAre(1));
  const Work rest = Take({10, 10, 0});
  ASSERT_NE(rest.in_part, nullptr);
  EXPECT_EQ(rest.begin, 10);
}

TEST_F(RequestQueueTest, TheLastPartFinishedFinishesTheRequest) {
  Push(0, 4);
  QueuedRequest& request = *Take({2, 2, 0}).in_part;
  EXPECT_FALSE(Finish(request, 0, {1, 2}));  // The rest waits.
  Take({2, 2, 0});
  EXPECT_TRUE(Finish(request, 2, {3, 4}));
  EXPECT_TRUE(request.failure.ok());
}

TEST_F(RequestQueueTest, PartsAreJoinedInTheOrderOfTheirRows) {
  Push(0, 6);
  QueuedRequest& request = *Take({2, 2, 0}).in_part;
  Take({2, 2, 0});
  Take({2, 2, 0});
  Finish(request, 2, {3, 4});
  Finish(request, 0, {1, 2});
  Finish(request, 4, {5, 6});
  const ScoreResult& joined = *request.joined;
  EXPECT_EQ(joined.rows, 6);
  EXPECT_THAT(joined.tasks[0].values, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(joined.tasks[1].task, 1);
  EXPECT_THAT(joined.tasks[1].values, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(joined.ranking, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(RequestQueueTest, ARequestInPartsGetsNothingOfTheOneBeforeWhoseMemoryItHas) {
  Push(0, 6);
  QueuedRequest* request = Take({3, 3, 0}).in_part;
  Take({3, 3, 0});
  Finish(*request, 0, {1, 2, 3});
  Finish(*request, 3, {4, 5, 6});
  queue_.Release(request);

  Push(1, 4);
  ASSERT_EQ(Take({2, 2, 0}).in_part, request);
  Take({2, 2, 0});
  ScoreResult unranked;
  unranked.rows = 2;
  unranked.tasks.push_back({3, 1, {7, 8}});
  queue_.MakeRoom(*request, unranked);
  CopyPart(unranked, 0, *request->joined);
  CopyPart(unranked, 2, *request->joined);
  EXPECT_EQ(request->joined->rows, 4);
  ASSERT_THAT(request->joined->tasks, SizeIs(1));
  EXPECT_EQ(request->joined->tasks[0].task, 3);
  EXPECT_THAT(request->joined->tasks[0].values, ElementsAre(7, 8, 7, 8));
  EXPECT_THAT(request->joined->ranking, IsEmpty());
}

TEST_F(RequestQueueTest, AfterAPartThatFailedTheRestIsNotScored) {
  Push(0, 6);
  QueuedRequest& request = *Take({2, 2, 0}).in_part;
  Take({2, 2, 0});
  EXPECT_FALSE(queue_.FinishPart(request, absl::InternalError("first")));
  // The second part is still out: whoever finishes it answers.
  const Work rest = Take({2, 2, 0});
  EXPECT_EQ(rest.rows, 0);
  EXPECT_THAT(rest.dead, IsEmpty());
  EXPECT_TRUE(queue_.FinishPart(request, absl::InternalError("second")));
  EXPECT_EQ(request.failure, absl::InternalError("first"));
}

TEST_F(RequestQueueTest, ADeadlineThatPassesBetweenThePartsEndsTheRequest) {
  Push(0, 6, absl::Milliseconds(50));
  QueuedRequest& request = *Take({2, 2, 0}).in_part;
  EXPECT_FALSE(Finish(request, 0, {1, 2}));
  now_ += absl::Milliseconds(50);
  const Work rest = Take({2, 2, 0});
  EXPECT_EQ(rest.rows, 0);
  ASSERT_THAT(rest.dead, ElementsAre(&request));
  EXPECT_EQ(request.failure.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(queue_.rows(), 0);
  EXPECT_EQ(queue_.bytes(), 0);
}

TEST_F(RequestQueueTest, WhatIsTooLateTakesNoRoomInABatch) {
  Push(0, 5, absl::Milliseconds(10));
  Push(1, 5, absl::Milliseconds(90));
  now_ += absl::Milliseconds(10);
  const Work work = Take({5, 5, 0});
  EXPECT_THAT(Scenes(work.dead), ElementsAre(0));
  EXPECT_THAT(Scenes(work.whole), ElementsAre(1));
  EXPECT_EQ(work.rows, 5);
}

TEST_F(RequestQueueTest, AReleasedRequestLeavesNothingToTheNext) {
  Push(0, 4, absl::Milliseconds(10));
  QueuedRequest* request = Take({2, 2, 0}).in_part;
  request->snapshot = std::make_shared<Snapshot>(SnapshotInfo());
  queue_.FinishPart(*request, absl::InternalError("failed"));
  EXPECT_THAT(Take({2, 2, 0}).dead, ElementsAre(request));
  queue_.Release(request);

  Push(1, 2);
  EXPECT_THAT(Take({2, 2, 0}).whole, ElementsAre(request));  // The same memory.
  EXPECT_TRUE(request->failure.ok());
  EXPECT_EQ(request->snapshot, nullptr);
  EXPECT_EQ(request->joined, nullptr);
  EXPECT_EQ(request->taken, 0);
}

}  // namespace
}  // namespace polyscene
