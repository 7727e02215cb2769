#include "server/eventlog/big_endian.h"
#include "tests/unit/server/eventlog/event_log_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;

// Batches of 100 rows are about 850 bytes each; a hundred of them are logged.
class RetentionTest : public EventLogTest {
 protected:
  void SetUp() override {
    retention_bytes_ = 20000;
    EventLogTest::SetUp();
    for (int sequence = 1; sequence <= 100; ++sequence) Log("p", sequence, Items(100 * sequence, 100));
    ASSERT_EQ(log_->end_offset(), 10000);
  }
};

TEST_F(RetentionTest, NothingGoesThatNoCheckpointCovers) {
  ASSERT_TRUE(log_->Retire(0).ok());
  EXPECT_EQ(log_->begin_offset(), 0);
  ASSERT_TRUE(log_->Retire(250).ok());
  EXPECT_EQ(log_->begin_offset(), 200);  // The record of offset 250 stays.
}

TEST_F(RetentionTest, TheOldestGoUntilTheRestFits) {
  ASSERT_TRUE(log_->Retire(10000).ok());
  const uint64_t begin = log_->begin_offset();
  EXPECT_GT(begin, 7000);
  EXPECT_LT(begin, 8000);
  const std::vector<LogEntry> entries = ReadFrom(begin);
  int64_t bytes = 0;
  for (const LogEntry& entry : entries) bytes += static_cast<int64_t>(entry.record.ByteSizeLong());
  EXPECT_LE(bytes, retention_bytes_);
  EXPECT_GT(bytes, retention_bytes_ - 1000);
}

TEST_F(RetentionTest, ALogThatFitsKeepsEverything) {
  retention_bytes_ = 1 << 20;
  Open();
  ASSERT_TRUE(log_->Retire(10000).ok());
  EXPECT_EQ(log_->begin_offset(), 0);
}

TEST_F(RetentionTest, WhatIsGoneIsOutOfRangeForNewAndOldCursors) {
  std::unique_ptr<EventLog::Cursor> old = *log_->Read(0);
  ASSERT_TRUE(log_->Retire(10000).ok());
  const absl::Status status = log_->Read(0).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()), HasSubstr("asked for 0"));
  EXPECT_EQ(old->Next().status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(RetentionTest, StepsOfWhatIsGoneGoToo) {
  ASSERT_TRUE(log_->JournalStep(0, 100).ok());
  ASSERT_TRUE(log_->JournalStep(9900, 10000).ok());
  ASSERT_TRUE(log_->Retire(9900).ok());
  EXPECT_EQ(log_->JournaledStepEnd(0), std::nullopt);
  EXPECT_EQ(log_->JournaledStepEnd(9900), 10000);
}

TEST_F(RetentionTest, AReopenedLogBeginsWhereItWasCut) {
  ASSERT_TRUE(log_->Retire(5000).ok());
  const uint64_t begin = log_->begin_offset();
  Open();
  EXPECT_EQ(log_->begin_offset(), begin);
  EXPECT_EQ(ItemsFrom(begin).size(), 10000 - begin);
  EXPECT_EQ(log_->rows_accepted(), 10000);
  EXPECT_EQ(Log("p", 101, {1}), 10001);
}

TEST_F(RetentionTest, ACutThatCouldNotBeWrittenIsMadeUpForByTheNext) {
  ASSERT_TRUE(log_->Retire(3000).ok());
  const uint64_t begin = log_->begin_offset();
  disk_.Fail(FailingDisk::Failure::kNoSpace);
  EXPECT_EQ(log_->Retire(6000).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(log_->begin_offset(), begin);
  EXPECT_EQ(ItemsFrom(begin).size(), 10000 - begin);
  disk_.Fail(FailingDisk::Failure::kNone);
  ASSERT_TRUE(log_->Retire(10000).ok());
  const uint64_t later = log_->begin_offset();
  EXPECT_GT(later, begin);
  Open();
  EXPECT_EQ(log_->begin_offset(), later);
  EXPECT_EQ(ItemsFrom(later).size(), 10000 - later);
  EXPECT_EQ(Log("p", 101, {1}), 10001);
}

TEST_F(RetentionTest, WhatAnEarlierBuildLeftBeforeTheBeginIsDeletedWhenOpening) {
  ASSERT_TRUE(log_->Retire(10000).ok());
  const uint64_t begin = log_->begin_offset();
  log_.reset();
  {
    std::unique_ptr<LogStore> store = *LogStore::Open(Options().directory, nullptr);
    rocksdb::WriteBatch batch;
    batch.Put(store->family(LogFamily::kSegments), BigEndian(100), BigEndian(1000));
    batch.Put(store->family(LogFamily::kRecords), BigEndian(100), "a record");
    batch.Put(store->family(LogFamily::kSteps), BigEndian(100), BigEndian(200));
    ASSERT_TRUE(store->Write(&batch, true).ok());
  }
  Open();
  ASSERT_TRUE(log_ != nullptr);
  EXPECT_EQ(log_->begin_offset(), begin);
  EXPECT_EQ(ItemsFrom(begin).size(), 10000 - begin);
  log_.reset();
  const std::unique_ptr<LogStore> store = *LogStore::Open(Options().directory, nullptr);
  for (const LogFamily family : {LogFamily::kSegments, LogFamily::kRecords, LogFamily::kSteps}) {
    EXPECT_EQ(*store->Get(family, BigEndian(100)), std::nullopt) << static_cast<int>(family);
  }
}

TEST_F(RetentionTest, FilesOfWhatIsGoneAreDeleted) {
  std::unique_ptr<LogStore> store;
  log_.reset();
  store = *LogStore::Open(Options().directory, nullptr);
  ASSERT_TRUE(store->Flush().ok());
  ASSERT_TRUE(store->Compact().ok());
  const uint64_t before = store->DiskBytes();
  store.reset();
  Open();
  ASSERT_TRUE(log_->Retire(10000).ok());
  log_.reset();
  store = *LogStore::Open(Options().directory, nullptr);
  ASSERT_TRUE(store->Compact().ok());
  EXPECT_LT(store->DiskBytes(), before / 2);
}

}  // namespace
}  // namespace polyscene
