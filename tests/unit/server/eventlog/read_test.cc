#include <thread>

#include "tests/unit/server/eventlog/event_log_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(EventLogTest, RecordsAreReadInOrder) {
  Log("a", 1, {1, 2});
  ASSERT_TRUE(AppendAndWait(*log_, OpeningRecord("a", 5)).ok());
  Log("b", 1, {3});
  const std::vector<LogEntry> entries = ReadFrom(0);
  ASSERT_EQ(entries.size(), 3);
  EXPECT_EQ(entries[0].offset, 0);
  EXPECT_EQ(entries[0].count, 2);
  EXPECT_EQ(entries[1].offset, 2);
  EXPECT_EQ(entries[1].count, 1);
  EXPECT_EQ(entries[1].record.evaluation().from_micros(), 5);
  EXPECT_EQ(entries[2].offset, 3);
  EXPECT_EQ(entries[2].record.producer_id(), "b");
}

TEST_F(EventLogTest, AReadFromTheMiddleOfARecordStartsWithThatRecord) {
  Log("p", 1, Items(0, 3));
  Log("p", 2, Items(3, 3));
  for (const uint64_t offset : {3, 4, 5}) {
    const std::vector<LogEntry> entries = ReadFrom(offset);
    ASSERT_EQ(entries.size(), 1) << offset;
    EXPECT_EQ(entries[0].offset, 3) << offset;
  }
}

TEST_F(EventLogTest, ACursorAtTheEndGoesOnWithWhatComes) {
  Log("p", 1, {1});
  std::unique_ptr<EventLog::Cursor> cursor = *log_->Read(1);
  EXPECT_FALSE((*cursor->Next()).has_value());
  Log("p", 2, {2});
  EXPECT_EQ((*cursor->Next())->offset, 1);
  EXPECT_FALSE((*cursor->Next()).has_value());
}

TEST_F(EventLogTest, AReadBeyondTheEndIsRefused) {
  Log("p", 1, {1, 2});
  const absl::Status status = log_->Read(3).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()), HasSubstr("offsets 0 to 2, asked for 3"));
}

TEST_F(EventLogTest, AWaitEndsWithANewRecord) {
  std::thread producer([this] { Log("p", 1, {1}); });
  while (log_->end_offset() == 0) log_->WaitBeyond(0, absl::InfiniteDuration());
  EXPECT_EQ(log_->end_offset(), 1);
  producer.join();
}

TEST_F(EventLogTest, AWaitEndsWithAWake) {
  std::thread waker([this] { log_->WakeReaders(); });
  log_->WaitBeyond(0, absl::InfiniteDuration());
  waker.join();
}

TEST_F(EventLogTest, AWakeBeforeTheWaitIsNotLost) {
  log_->WakeReaders();
  log_->WaitBeyond(0, absl::InfiniteDuration());
}

TEST_F(EventLogTest, AWaitEndsWithItsTimeout) {
  const absl::Time before = absl::Now();
  log_->WaitBeyond(0, absl::Milliseconds(2));
  EXPECT_GE(absl::Now() - before, absl::Milliseconds(1));
}

TEST_F(EventLogTest, AWaitForWhatIsThereReturnsAtOnce) {
  Log("p", 1, {1});
  log_->WaitBeyond(0, absl::InfiniteDuration());
}

TEST_F(EventLogTest, JournaledStepsAreFoundByTheirBegin) {
  ASSERT_TRUE(log_->JournalStep(0, 4).ok());
  ASSERT_TRUE(log_->JournalStep(4, 6).ok());
  EXPECT_EQ(log_->JournaledStepEnd(0), 4);
  EXPECT_EQ(log_->JournaledStepEnd(4), 6);
  EXPECT_EQ(log_->JournaledStepEnd(6), std::nullopt);
  Open();
  EXPECT_EQ(log_->JournaledStepEnd(4), 6);
}

TEST_F(EventLogTest, VersionsStartAtOneAndAreNeverHandedOutTwice) {
  EXPECT_EQ(*log_->ReserveVersions(256), 1);
  EXPECT_EQ(*log_->ReserveVersions(1), 257);
  Open();
  EXPECT_EQ(*log_->ReserveVersions(256), 258);
}

TEST_F(EventLogTest, AReopenedLogGoesOnWhereItWas) {
  Log("a", 1, {1, 2});
  Log("b", 1, {3});
  Open();
  EXPECT_EQ(log_->end_offset(), 3);
  EXPECT_EQ(log_->rows_accepted(), 3);
  EXPECT_THAT(ItemsFrom(0), ElementsAre(1, 2, 3));
  EXPECT_TRUE(Append("a", 1, {1, 2})->repeated);
  EXPECT_EQ(Log("a", 2, {4}), 4);
  EXPECT_EQ(log_->WatermarkOf("b", 2, 0).learned(), 0);
  EXPECT_EQ(log_->WatermarkOf("b", 3, 0).learned(), 1);
}

TEST_F(EventLogTest, ANewLogIsEmpty) {
  EXPECT_EQ(log_->begin_offset(), 0);
  EXPECT_EQ(log_->end_offset(), 0);
  EXPECT_THAT(ReadFrom(0), IsEmpty());
}

}  // namespace
}  // namespace polyscene
