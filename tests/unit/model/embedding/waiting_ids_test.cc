#include "model/embedding/waiting_ids.h"

#include <gtest/gtest.h>

namespace polyscene {
namespace {

TEST(WaitingIdsTest, CountsEachIdByItself) {
  WaitingIds waiting;
  EXPECT_EQ(waiting.See(7, 1), 1u);
  EXPECT_EQ(waiting.See(7, 2), 3u);
  EXPECT_EQ(waiting.See(8, 1), 1u);
  EXPECT_EQ(waiting.SeenOf(7), 3u);
  EXPECT_EQ(waiting.SeenOf(9), 0u);
  EXPECT_EQ(waiting.size(), 2u);
}

TEST(WaitingIdsTest, CountsNoFurtherThan255) {
  WaitingIds waiting;
  EXPECT_EQ(waiting.See(7, 100'000), 255u);
  EXPECT_EQ(waiting.See(7, 1), 255u);
}

TEST(WaitingIdsTest, WhatHasARowBeginsAnew) {
  WaitingIds waiting;
  waiting.See(7, 3);
  waiting.Forget(7);
  EXPECT_EQ(waiting.size(), 0u);
  EXPECT_EQ(waiting.See(7, 1), 1u);
}

TEST(WaitingIdsTest, AnIdIsForgottenOnlyAfterAWholeGenerationOfOthers) {
  WaitingIds waiting(/*generation_ids=*/4);
  waiting.See(1, 2);
  for (uint64_t id = 10; id < 13; ++id) waiting.See(id, 1);  // With it a generation.
  for (uint64_t id = 20; id < 23; ++id) waiting.See(id, 1);  // One less than another.
  EXPECT_EQ(waiting.SeenOf(1), 2u);
  waiting.See(23, 1);
  EXPECT_EQ(waiting.SeenOf(1), 0u);
  EXPECT_EQ(waiting.SeenOf(23), 1u);
}

TEST(WaitingIdsTest, AnIdThatIsSeenAgainIsOfTheNewGeneration) {
  WaitingIds waiting(/*generation_ids=*/4);
  for (uint64_t id = 0; id < 100; ++id) {
    waiting.See(1'000, 1);
    waiting.See(id, 1);
    ASSERT_LE(waiting.size(), 7u);
  }
  EXPECT_EQ(waiting.SeenOf(1'000), 100u);
}

TEST(WaitingIdsTest, GoesOnFromItsBytesAsIfItHadNeverStopped) {
  WaitingIds waiting(/*generation_ids=*/50);
  for (uint64_t i = 0; i < 160; ++i) waiting.See(i * i % 101, 1);
  WaitingIds restored(/*generation_ids=*/50);
  ASSERT_TRUE(restored.Restore(waiting.Serialize()).ok());
  for (uint64_t i = 0; i < 500; ++i) ASSERT_EQ(restored.See(i * 7 % 83, 1), waiting.See(i * 7 % 83, 1));
  EXPECT_EQ(restored.Serialize(), waiting.Serialize());
}

TEST(WaitingIdsTest, BrokenBytesAreDataLoss) {
  WaitingIds waiting;
  waiting.See(7, 1);
  const std::string bytes = waiting.Serialize();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(waiting.Restore(absl::string_view(bytes).substr(0, size)).code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_EQ(waiting.Restore(bytes + "x").code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace polyscene
