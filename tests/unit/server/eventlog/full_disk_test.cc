// A disk that fills up at any time, and has space again: appends go on by themselves, and nothing is lost or doubled.
#include <atomic>
#include <random>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "server/eventlog/log_store.h"
#include "tests/unit/server/eventlog/event_log_fixture.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;
using Failure = FailingDisk::Failure;
using Files = FailingDisk::Files;

class FullDiskTest : public EventLogTest {
 protected:
  void SetUp() override {
    reserve_bytes_ = 1 << 30;
    Space();
    EventLogTest::SetUp();
  }

  // The disk is as good as full, so Retire(0) tries to make room: it flushes and compacts.
  absl::Status MakeRoom() {
    disk_.SetFreeBytes(512 << 20);
    return log_->Retire(0);
  }
  void Space() {
    disk_.Fail(Failure::kNone);
    disk_.SetFreeBytes(uint64_t{4} << 30);
  }
  // The log knows of it, whatever the age of its last look.
  void SpaceAgain() {
    Space();
    ASSERT_TRUE(log_->Retire(0).ok());
  }
  // Appends the next one-row batch.
  absl::Status Next() {
    const absl::Status status = Append("p", items_.size() + 1, {static_cast<int64_t>(items_.size())}).status();
    if (status.ok()) items_.push_back(static_cast<int64_t>(items_.size()));
    return status;
  }
  void GoOn() {
    for (int batch = 0; batch < 3; ++batch) {
      const absl::Status status = Next();
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  void ExpectAllOnce() {
    for (int times = 0; times < 2; ++times) {
      EXPECT_EQ(ItemsFrom(0), items_);
      EXPECT_EQ(log_->WatermarkOf("p", 0, 0).logged(), items_.size());
      Open();
      ASSERT_TRUE(log_ != nullptr);
    }
  }

  std::vector<int64_t> items_;  // Of acknowledged batches.
};

constexpr Failure kNoSpaces[] = {Failure::kNoSpace, Failure::kHalfThenNoSpace};
constexpr Files kFiles[] = {Files::kAll, Files::kWriteAheadLogs, Files::kTables, Files::kManifest};

TEST_F(FullDiskTest, WhileMemoryIsFlushed) {
  for (const Failure failure : kNoSpaces) {
    for (const Files files : kFiles) {
      for (int batch = 0; batch < 3; ++batch) ASSERT_TRUE(Next().ok());
      disk_.Fail(failure, files);
      for (int tries = 0; tries < (files == Files::kAll ? 3 : 1); ++tries) {
        const absl::Status status = MakeRoom();
        if (!status.ok()) {
          EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
        }
        EXPECT_EQ(Next().code(), absl::StatusCode::kResourceExhausted);
      }
      SpaceAgain();
      SCOPED_TRACE(testing::Message() << "failure " << static_cast<int>(failure) << " of files "
                                      << static_cast<int>(files));
      ASSERT_NO_FATAL_FAILURE(GoOn());
    }
  }
  ExpectAllOnce();
}

TEST_F(FullDiskTest, WhileRoomIsMadeAfterAWriteThatFailed) {
  for (const Failure failure : kNoSpaces) {
    for (const Files files : {Files::kAll, Files::kWriteAheadLogs}) {
      for (int batch = 0; batch < 3; ++batch) ASSERT_TRUE(Next().ok());
      disk_.Fail(failure, files);
      EXPECT_EQ(Next().code(), absl::StatusCode::kResourceExhausted);
      EXPECT_EQ(MakeRoom().code(), absl::StatusCode::kResourceExhausted);
      EXPECT_EQ(Next().code(), absl::StatusCode::kResourceExhausted);
      SpaceAgain();
      SCOPED_TRACE(testing::Message() << "failure " << static_cast<int>(failure) << " of files "
                                      << static_cast<int>(files));
      ASSERT_NO_FATAL_FAILURE(GoOn());
    }
  }
  ExpectAllOnce();
}

// Then RocksDB has nothing in memory for which it would leave the write-ahead log that fails.
TEST_F(FullDiskTest, InTheFirstWriteAfterAFlush) {
  for (const Failure failure : kNoSpaces) {
    ASSERT_TRUE(Next().ok());
    ASSERT_TRUE(MakeRoom().ok());
    SpaceAgain();
    disk_.Fail(failure);
    EXPECT_EQ(Next().code(), absl::StatusCode::kResourceExhausted);
    disk_.Fail(Failure::kNone);
    ASSERT_NO_FATAL_FAILURE(GoOn());
  }
  ExpectAllOnce();
}

TEST_F(FullDiskTest, TheTroubleEndsThoughNobodyAppends) {
  ASSERT_TRUE(Next().ok());
  disk_.Fail(Failure::kNoSpace);
  EXPECT_FALSE(Next().ok());
  EXPECT_FALSE(log_->disk().broken);
  disk_.Fail(Failure::kNone);
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!log_->disk().trouble.ok() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_TRUE(log_->disk().trouble.ok()) << log_->disk().trouble;
  ASSERT_TRUE(Next().ok());
  ExpectAllOnce();
}

TEST_F(FullDiskTest, AnErrorOfTheDiskInTheBackgroundIsToldThoughNobodyAppends) {
  std::atomic<int> told{0};
  EventLogOptions options = Options();
  options.on_broken = [&told](const absl::Status&) { ++told; };
  ASSERT_TRUE(TryOpen(options).ok());
  ASSERT_TRUE(Next().ok());
  disk_.Fail(Failure::kIoError, Files::kTables);
  EXPECT_EQ(MakeRoom().code(), absl::StatusCode::kInternal);
  Space();
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (told == 0 && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(log_->disk().broken);
  const absl::Status status = Append("p", 2, {1}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("until the server is restarted"));
  ExpectAllOnce();
  EXPECT_TRUE(Next().ok());
}

TEST_F(FullDiskTest, WritesGoOnWhereOnlyACompactionHasNoSpace) {
  log_.reset();
  const std::unique_ptr<LogStore> store = *LogStore::Open(directory_.path() / "store", disk_.env());
  const auto write = [&store](const std::string& key) {
    rocksdb::WriteBatch batch;
    batch.Put(store->family(LogFamily::kRemembered), key, std::string(1000, 'x'));
    return store->Write(&batch, /*sync=*/true);
  };
  ASSERT_TRUE(write("a").ok());
  ASSERT_TRUE(store->Flush().ok());
  disk_.Fail(Failure::kNoSpace, Files::kTables);
  EXPECT_EQ(store->CompactRemembered().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(write("b").ok());
  EXPECT_TRUE(store->trouble().ok());
  disk_.Fail(Failure::kNone);
  EXPECT_TRUE(store->CompactRemembered().ok());
  EXPECT_TRUE(store->Get(LogFamily::kRemembered, "a")->has_value());
}

TEST_F(FullDiskTest, AtAnyTime) {
  std::mt19937 random(7);
  const auto below = [&random](int limit) { return static_cast<int>(random() % static_cast<uint32_t>(limit)); };
  int refused = 0;
  for (int round = 0; round < 12; ++round) {
    const Failure failure = kNoSpaces[below(2)];
    const Files files = kFiles[below(3)];
    SCOPED_TRACE(testing::Message() << "round " << round << ", failure " << static_cast<int>(failure) << " of files "
                                    << static_cast<int>(files));
    bool failing = false;
    for (int action = 0; action < 12; ++action) {
      switch (below(6)) {
        case 0:
          disk_.Fail(failure, files);
          failing = true;
          break;
        case 1:
          Space();
          break;
        case 2:
          MakeRoom().IgnoreError();
          break;
        default: {
          const absl::Status status = Next();
          if (status.ok()) break;
          ++refused;
          ASSERT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status << (failing ? "" : ", all was well");
        }
      }
    }
    SpaceAgain();
    const absl::Status status = Next();
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_EQ(ItemsFrom(0), items_);
    if (below(5) == 0) {
      Open();
      ASSERT_TRUE(log_ != nullptr);
      ASSERT_EQ(ItemsFrom(0), items_);
    }
  }
  EXPECT_GT(refused, 10);
  ExpectAllOnce();
}

}  // namespace
}  // namespace polyscene
