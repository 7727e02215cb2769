#include <atomic>
#include <string>
#include <thread>

#include "tests/unit/server/eventlog/event_log_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(EventLogTest, AFullDiskIsSaidAndAppendsWorkAgainWhenThereIsSpace) {
  Log("p", 1, {1});
  disk_.Fail(FailingDisk::Failure::kNoSpace);
  const absl::Status status = Append("p", 2, {2}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("no space left"));
  EXPECT_EQ(Append("p", 2, {2}).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(log_->end_offset(), 1);
  EXPECT_EQ(log_->WatermarkOf("p", 0, 0).logged(), 1);

  disk_.Fail(FailingDisk::Failure::kNone);
  EXPECT_EQ(Log("p", 2, {2}), 2);
  EXPECT_THAT(ItemsFrom(0), ElementsAre(1, 2));
}

TEST_F(EventLogTest, ABrokenDiskIsInternalUntilTheLogIsOpenedAnew) {
  Log("p", 1, {1});
  disk_.Fail(FailingDisk::Failure::kIoError);
  EXPECT_EQ(Append("p", 2, {2}).status().code(), absl::StatusCode::kInternal);
  disk_.Fail(FailingDisk::Failure::kNone);
  const absl::Status status = Append("p", 2, {2}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("until the server is restarted"));
  EXPECT_THAT(ItemsFrom(0), ElementsAre(1));

  Open();
  EXPECT_EQ(Log("p", 2, {2}), 2);
}

TEST_F(EventLogTest, WhatASyncFailedForIsNeverAcknowledgedAndTheOwnerIsTold) {
  std::atomic<int> told{0};
  EventLogOptions options = Options();
  options.on_broken = [&told](const absl::Status&) { ++told; };
  ASSERT_TRUE(TryOpen(options).ok());
  Log("p", 1, {1});
  disk_.Fail(FailingDisk::Failure::kIoErrorOnSync);
  EXPECT_EQ(Append("p", 2, {2}).status().code(), absl::StatusCode::kInternal);
  disk_.Fail(FailingDisk::Failure::kNone);
  for (int tries = 0; tries < 3; ++tries) {
    const absl::Status status = Append("p", 2, {2}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
    EXPECT_THAT(std::string(status.message()), HasSubstr("until the server is restarted"));
  }
  EXPECT_TRUE(log_->disk().broken);
  EXPECT_EQ(log_->disk().trouble.code(), absl::StatusCode::kInternal);
  EXPECT_FALSE(log_->JournalStep(0, 1).ok());
  EXPECT_EQ(log_->WatermarkOf("p", 0, 0).logged(), 1);
  EXPECT_EQ(told, 1);

  // What was never acknowledged may be there all the same: then the producer's repeat is one.
  Open();
  EXPECT_TRUE(Append("p", 2, {2}).ok());
  EXPECT_THAT(ItemsFrom(0), ElementsAre(1, 2));
}

TEST_F(EventLogTest, NothingOfHalfAWriteIsSeen) {
  Log("p", 1, {1});
  disk_.Fail(FailingDisk::Failure::kHalfThenNoSpace);
  EXPECT_EQ(Append("p", 2, Items(100, 500)).status().code(), absl::StatusCode::kResourceExhausted);
  disk_.Fail(FailingDisk::Failure::kNone);
  EXPECT_EQ(Log("p", 2, {2}), 2);
  disk_.Fail(FailingDisk::Failure::kHalfThenIoError);
  EXPECT_EQ(Append("p", 3, Items(100, 500)).status().code(), absl::StatusCode::kInternal);
  disk_.Fail(FailingDisk::Failure::kNone);
  Open();
  EXPECT_THAT(ItemsFrom(0), ElementsAre(1, 2));
  EXPECT_EQ(Log("p", 3, {3}), 3);
}

TEST_F(EventLogTest, ASlowDiskIsSyncedOnceForManyWhoWait) {
  disk_.SlowSyncs(absl::Milliseconds(50));
  const int64_t before = disk_.syncs();
  std::vector<std::thread> producers;
  for (int producer = 0; producer < 20; ++producer) {
    producers.emplace_back([this, producer] { Log("p" + std::to_string(producer), 1, {producer}); });
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(log_->end_offset(), 20);
  EXPECT_LE(disk_.syncs() - before, 10);
}

TEST_F(EventLogTest, AfterAFailureLaterSequencesSkipAndRepeatsAreStillAnswered) {
  Log("p", 1, {1});
  disk_.Fail(FailingDisk::Failure::kNoSpace);
  EXPECT_FALSE(Append("p", 2, {2}).ok());
  EXPECT_TRUE(Append("p", 1, {1})->repeated);
  EXPECT_EQ(Append("p", 3, {3}).status().code(), absl::StatusCode::kFailedPrecondition);
  disk_.Fail(FailingDisk::Failure::kNone);
  EXPECT_EQ(Append("p", 3, {3}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(EventLogTest, NothingOfAFailedGroupComesBackAfterTheNextSuccess) {
  Log("p", 1, {1});
  disk_.Fail(FailingDisk::Failure::kNoSpace);
  EXPECT_FALSE(Append("p", 2, Items(100, 50)).ok());
  EXPECT_FALSE(Append("q", 1, Items(200, 50)).ok());
  disk_.Fail(FailingDisk::Failure::kNone);
  Log("r", 1, {2});

  Open();
  EXPECT_THAT(ItemsFrom(0), ElementsAre(1, 2));
  EXPECT_EQ(log_->WatermarkOf("p", 0, 0).logged(), 1);
  EXPECT_EQ(log_->WatermarkOf("q", 0, 0).logged(), 0);
  EXPECT_EQ(Log("q", 1, {3}), 3);
}

TEST_F(EventLogTest, AnEmptyLogSurvivesAFailureToo) {
  disk_.Fail(FailingDisk::Failure::kNoSpace);
  EXPECT_FALSE(Append("p", 1, Items(0, 5)).ok());
  disk_.Fail(FailingDisk::Failure::kNone);
  Log("p", 1, {1});
  Open();
  EXPECT_THAT(ItemsFrom(0), ElementsAre(1));
}

TEST_F(EventLogTest, ADiskThatIsFullFromTheStartTakesAppendsOnceThereIsSpace) {
  Log("p", 1, {1});
  for (int times = 0; times < 2; ++times) {
    Open();
    disk_.Fail(FailingDisk::Failure::kNoSpace);
    for (int tries = 0; tries < 3; ++tries) {
      EXPECT_EQ(Append("p", 2, {2}).status().code(), absl::StatusCode::kResourceExhausted);
      EXPECT_EQ(log_->JournalStep(0, 1).code(), absl::StatusCode::kResourceExhausted);
    }
    disk_.Fail(FailingDisk::Failure::kNone);
    EXPECT_TRUE(log_->JournalStep(0, 1).ok());
    disk_.Fail(FailingDisk::Failure::kNoSpace);
    EXPECT_EQ(Append("p", 2, {2}).status().code(), absl::StatusCode::kResourceExhausted);
    disk_.Fail(FailingDisk::Failure::kNone);
  }
  EXPECT_EQ(Log("p", 2, {2}), 2);
  EXPECT_THAT(ItemsFrom(0), ElementsAre(1, 2));
}

TEST_F(EventLogTest, TheJournalAndVersionsRecoverAsWell) {
  disk_.Fail(FailingDisk::Failure::kNoSpace);
  EXPECT_EQ(log_->ReserveVersions(10).status().code(), absl::StatusCode::kResourceExhausted);
  disk_.Fail(FailingDisk::Failure::kNone);
  EXPECT_EQ(*log_->ReserveVersions(10), 1);
  EXPECT_TRUE(log_->JournalStep(0, 1).ok());
}

}  // namespace
}  // namespace polyscene
