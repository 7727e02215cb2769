// What the log may take of the disk: who is refused, what goes, and that everything resumes by itself.
#include "tests/unit/server/eventlog/event_log_fixture.h"

namespace polyscene {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class BudgetTest : public EventLogTest {
 protected:
  // Appends batches of 500 rows, about 4 KB each, until one is refused; that status.
  absl::Status Fill(int most) {
    for (int batch = 0; batch < most; ++batch) {
      const absl::Status status = Append("p", sequence_ + 1, Items(500 * (sequence_ + 1), 500)).status();
      if (!status.ok()) return status;
      ++sequence_;
    }
    return absl::OkStatus();
  }
  void LookAnew() { ASSERT_TRUE(log_->Retire(0).ok()); }  // Whatever the last look's age.
  uint64_t end() const { return log_->end_offset(); }

  uint64_t sequence_ = 0;
};

class MaxBytesTest : public BudgetTest {
 protected:
  void SetUp() override {
    max_bytes_ = 1 << 20;
    BudgetTest::SetUp();
  }
};

TEST_F(MaxBytesTest, BeyondItAppendsAreRefusedWithFigures) {
  const absl::Status status = Fill(1000);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("budget is spent"), HasSubstr("log_max_bytes is 1048576"), HasSubstr("it uses 1")));
  EXPECT_LT(log_->disk().bytes, 5 << 18);
  EXPECT_EQ(log_->disk().trouble.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(log_->disk().broken);
  EXPECT_EQ(AppendAndWait(*log_, OpeningRecord("p", 1)).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(MaxBytesTest, RepeatsAreAnsweredAndTheTrainersWritesGoOn) {
  ASSERT_FALSE(Fill(1000).ok());
  EXPECT_TRUE(Append("p", 1, Items(500, 500))->repeated);
  EXPECT_TRUE(log_->JournalStep(0, 100).ok());
  EXPECT_TRUE(log_->ReserveVersions(1).ok());
}

TEST_F(MaxBytesTest, NothingUnlearnedGoesAndWithACheckpointAppendsResume) {
  ASSERT_FALSE(Fill(1000).ok());
  EXPECT_FALSE(Fill(1).ok());
  EXPECT_EQ(log_->begin_offset(), 0);
  ASSERT_TRUE(log_->Retire(end()).ok());
  EXPECT_GT(log_->begin_offset(), 0);
  EXPECT_TRUE(log_->disk().trouble.ok()) << log_->disk().trouble;
  EXPECT_LT(log_->disk().bytes, 7 << 17);
  EXPECT_TRUE(Fill(1).ok());
  EXPECT_EQ(ItemsFrom(log_->begin_offset()).size(), end() - log_->begin_offset());
}

TEST_F(MaxBytesTest, WithCheckpointsInTimeNobodyIsRefused) {
  for (int round = 0; round < 40; ++round) {
    const absl::Status status = Fill(20);  // Ten times the budget in all.
    ASSERT_TRUE(status.ok()) << status << " in round " << round;
    ASSERT_TRUE(log_->Retire(end()).ok());
  }
}

TEST_F(MaxBytesTest, WhatOlderCheckpointsNeedGoesOnlyWhereNothingElseIsLeft) {
  ASSERT_FALSE(Fill(1000).ok());
  const uint64_t half = end() / 2 / 500 * 500;
  ASSERT_TRUE(log_->Retire(half, end()).ok());
  EXPECT_LE(log_->begin_offset(), half);  // Enough went.
  EXPECT_TRUE(Fill(1).ok());

  ASSERT_FALSE(Fill(1000).ok());
  ASSERT_TRUE(log_->Retire(log_->begin_offset(), end()).ok());
  EXPECT_TRUE(Fill(1).ok());
}

TEST_F(MaxBytesTest, ALogThatWasFullIsFullWhenItIsOpenedAgain) {
  ASSERT_FALSE(Fill(1000).ok());
  max_bytes_ = static_cast<int64_t>(log_->disk().bytes) / 3;
  Open();
  EXPECT_EQ(Fill(1).code(), absl::StatusCode::kResourceExhausted);
  max_bytes_ = 64 << 20;
  Open();
  EXPECT_TRUE(Fill(1).ok());
}

TEST_F(BudgetTest, TheReserveOfTheDiskIsKeptFree) {
  reserve_bytes_ = 1 << 30;
  Open();
  disk_.SetFreeBytes((1 << 30) - 5);
  LookAnew();
  const absl::Status status = Fill(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("1073741819 bytes are free"), HasSubstr("disk_reserve_bytes keeps 1073741824")));
  EXPECT_TRUE(log_->JournalStep(0, 100).ok());

  disk_.SetFreeBytes(uint64_t{4} << 30);
  LookAnew();
  EXPECT_TRUE(Fill(1).ok());
  EXPECT_TRUE(log_->disk().trouble.ok());
}

TEST_F(BudgetTest, HistoryGoesBeforeProducersAreRefused) {
  reserve_bytes_ = 64 << 20;
  retention_bytes_ = 1 << 20;
  Open();
  ASSERT_TRUE(Fill(100).ok());
  ASSERT_TRUE(log_->Retire(end()).ok());
  EXPECT_EQ(log_->begin_offset(), 0);  // All is well, so history stays.
  disk_.SetFreeBytes(65 << 20);
  ASSERT_TRUE(log_->Retire(end()).ok());
  EXPECT_GT(log_->begin_offset(), 0);
  EXPECT_TRUE(Fill(1).ok());
}

}  // namespace
}  // namespace polyscene
