// How what waits lies in the store: what a batch costs, what earlier releases wrote, what is damaged.
#include <rocksdb/perf_context.h>
#include <rocksdb/write_batch.h>

#include "server/eventlog/big_endian.h"
#include "server/joiner/deadlines.h"
#include "server/joiner/waiting_entries.h"
#include "tests/unit/server/joiner/joiner_fixture.h"

namespace polyscene {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Pair;

class WaitingStoreTest : public JoinerTest {
 protected:
  // Closes the log and gives the store under it to `edit`, then opens the log again.
  template <typename Edit>
  void Between(Edit edit) {
    log_.reset();
    {
      const std::unique_ptr<LogStore> store = *LogStore::Open(directory_.path() / "log", nullptr);
      edit(*store);
    }
    Open();
  }

  static void Put(LogStore& store, LogFamily family, const std::string& key, const std::string& value) {
    rocksdb::WriteBatch batch;
    batch.Put(store.family(family), key, value);
    ASSERT_TRUE(store.Write(&batch, /*sync=*/false).ok());
  }

  // As the first releases stored them: in one value, and a deadline that says how many of them are due then.
  void PutOldEntries(LogStore& store, const std::string& id, const std::vector<Label>& labels) {
    v1::WaitingRows waiting;
    for (const Label& label : labels) {
      v1::WaitingRows::Entry& entry = *waiting.add_entries();
      entry.set_producer_id("old");
      *entry.mutable_labels() = Batch({label});
    }
    const int64_t until = absl::ToUnixMicros(clock_.Now() + label_wait_);
    Put(store, LogFamily::kWaiting, id, waiting.SerializeAsString());
    Put(store, LogFamily::kDeadlines, DeadlineKey(DeadlineKind::kWaiting, until, id), BigEndian(labels.size()));
    const std::string totals = **store.Get(LogFamily::kMeta, "joiner");
    Put(store, LogFamily::kMeta, "joiner", totals.substr(0, 16) + BigEndian(labels.size()) + totals.substr(24));
  }

  std::vector<std::string> Keys(LogFamily family) {
    std::vector<std::string> keys;
    Between([&](LogStore& store) {
      const std::unique_ptr<rocksdb::Iterator> entry = store.Iterate(family);
      for (entry->SeekToFirst(); entry->Valid(); entry->Next()) keys.push_back(entry->key().ToString());
    });
    return keys;
  }
};

// Joins on this thread, without a log, and counts what that reads and writes.
class WaitingCostTest : public JoinerTest {
 protected:
  void SetUp() override {
    JoinerTest::SetUp();
    log_.reset();
    store_ = *LogStore::Open(directory_.path() / "bare", nullptr);
    ASSERT_TRUE(joiner_->Load(*store_).ok());
  }

  uint64_t BytesOf(JoinInput input) {
    rocksdb::get_perf_context()->Reset();
    EXPECT_TRUE(joiner_->Join(std::move(input)).ok());
    const uint64_t read = rocksdb::get_perf_context()->get_read_bytes;
    rocksdb::WriteBatch batch;
    EXPECT_TRUE(joiner_->Stage(&batch));
    EXPECT_TRUE(store_->Write(&batch, /*sync=*/false).ok());
    joiner_->Commit();
    return read + batch.GetDataSize();
  }

  uint64_t BytesOfOneLabel() {
    JoinInput input;
    input.producer_id = "p";
    input.what = Batch({{"r", 0, "click", 1}});
    return BytesOf(std::move(input));
  }

  std::unique_ptr<LogStore> store_;
};

TEST_F(WaitingCostTest, ABatchCostsTheSameHoweverManyWaitForItsRequest) {
  const uint64_t first = BytesOfOneLabel();
  std::vector<uint64_t> others;
  for (int i = 0; i < 1000; ++i) others.push_back(BytesOfOneLabel());
  EXPECT_GT(first, 0);
  EXPECT_THAT(others, Each(Le(2 * first))) << "the others read the queue, too";
}

TEST_F(WaitingCostTest, WhatWaitedInVainGoesForNotMuchMoreThanItCameFor) {
  constexpr int kBatches = 1000;
  uint64_t waited = 0;
  for (int i = 0; i < kBatches; ++i, clock_.Advance(absl::Microseconds(1))) waited += BytesOfOneLabel();
  clock_.Advance(absl::Seconds(61));
  uint64_t expired = 0;
  while (joiner_->SweepDue()) {
    JoinInput sweep;
    sweep.what = polyscene::Sweep();
    expired += BytesOf(std::move(sweep));
  }
  EXPECT_EQ(Counts().expired_rows, kBatches);
  EXPECT_LT(expired, 2 * waited);
}

TEST_F(WaitingStoreTest, NothingIsLeftOfWhatWasJoined) {
  Send({{"r", 0, "click", 1}});
  Send({{"r", 0, "buy", 1}});
  Expose("r", {0});
  Remember("r", 1);
  EXPECT_THAT(Keys(LogFamily::kWaiting), IsEmpty());
  for (const std::string& key : Keys(LogFamily::kDeadlines)) {
    EXPECT_NE(key[0], static_cast<char>(DeadlineKind::kWaiting));
  }
}

TEST_F(WaitingStoreTest, EntriesOfTheFirstReleasesAreJoinedInTheOrderTheyCame) {
  Remember("another", 1);
  Between([&](LogStore& store) { PutOldEntries(store, "r", {{"r", 1, "click", 1}, {"r", 0, "buy", 0}}); });
  EXPECT_EQ(Holdings().waiting_rows, 2);
  Remember("r", 2);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 1, "click=1"}, LoggedRow{"r", 0, "buy=0"}));
  EXPECT_EQ(Records()[0].producer_id(), "old");
  EXPECT_EQ(Holdings().waiting_rows, 0);
  EXPECT_THAT(Keys(LogFamily::kWaiting), IsEmpty());
}

TEST_F(WaitingStoreTest, EntriesOfTheFirstReleasesAreWrittenAnewBeforeThoseThatFollow) {
  Remember("another", 1);
  Between([&](LogStore& store) { PutOldEntries(store, "r", {{"r", 0, "click", 1}, {"r", 0, "click", 0}}); });
  Send({{"r", 1, "buy", 1}});
  EXPECT_THAT(Keys(LogFamily::kWaiting), ElementsAre(WaitingQueueKey("r"), WaitingEntryKey("r", 0),
                                                     WaitingEntryKey("r", 1), WaitingEntryKey("r", 2)));
  Remember("r", 2);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=1"}, LoggedRow{"r", 0, "click=1", -1, true},
                                  LoggedRow{"r", 0, "click=0", 1, true}, LoggedRow{"r", 1, "buy=1"}));
}

TEST_F(WaitingStoreTest, EntriesOfTheFirstReleasesWaitNoLessThanTheirTimeAndNotForever) {
  Remember("another", 1);
  Between([&](LogStore& store) { PutOldEntries(store, "r", {{"r", 0, "click", 1}}); });
  clock_.Advance(absl::Seconds(61));
  Sweep();
  EXPECT_EQ(Holdings().waiting_rows, 1) << "found when it was due, it waits once more";
  clock_.Advance(absl::Seconds(61));
  Sweep();
  EXPECT_EQ(Holdings().waiting_rows, 0);
  EXPECT_EQ(Counts().expired_rows, 1);
  EXPECT_THAT(Keys(LogFamily::kWaiting), IsEmpty());
}

TEST_F(WaitingStoreTest, ADamagedEntryKeepsNoOtherFromBeingJoined) {
  Send({{"r", 0, "click", 1}});
  Send({{"r", 0, "buy", 1}});
  Send({{"r", 0, "spend", 2}});
  Between([](LogStore& store) { Put(store, LogFamily::kWaiting, WaitingEntryKey("r", 1), "not an entry"); });
  Remember("r", 1);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=1"}, LoggedRow{"r", 0, "spend=2"}));
  EXPECT_THAT(Keys(LogFamily::kWaiting), IsEmpty());
}

TEST_F(WaitingStoreTest, ADamagedEntryGoesWhenItsTimeIsUp) {
  Send({{"r", 0, "click", 1}});
  Between([](LogStore& store) { Put(store, LogFamily::kWaiting, WaitingEntryKey("r", 0), "short"); });
  clock_.Advance(absl::Seconds(61));
  Sweep();
  EXPECT_THAT(Keys(LogFamily::kWaiting), IsEmpty());
}

TEST_F(WaitingStoreTest, BehindADamagedQueueRowsAreRefusedUntilTheRequestComes) {
  Send({{"r", 0, "click", 1}});
  Between([](LogStore& store) { Put(store, LogFamily::kWaiting, WaitingQueueKey("r"), "short"); });
  EXPECT_THAT(Refused(Send({{"r", 0, "buy", 1}})), ElementsAre(Pair(0, "damaged")));
  Remember("r", 1);
  EXPECT_THAT(Rows(), IsEmpty());
  Send({{"r", 0, "buy", 1}});
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "buy=1"}));
}

TEST(WaitingEntries, KeysNameTheirEntriesInTheOrderOfTheirNumbers) {
  const std::string keys[] = {WaitingQueueKey("r"), WaitingEntryKey("r", 0), WaitingEntryKey("r", 255),
                              WaitingEntryKey("r", 256)};
  EXPECT_TRUE(std::is_sorted(std::begin(keys), std::end(keys)));
  const std::optional<WaitingEntryName> name = ParseWaitingEntryKey(keys[3]);
  EXPECT_EQ(name->id, "r");
  EXPECT_EQ(name->number, 256);
  EXPECT_EQ(ParseWaitingEntryKey(WaitingEntryKey("r", ~uint64_t{0}))->number, ~uint64_t{0});
  EXPECT_FALSE(ParseWaitingEntryKey("r").has_value());
  EXPECT_FALSE(ParseWaitingEntryKey(keys[0]).has_value());
  EXPECT_FALSE(ParseWaitingQueue("short").has_value());
  EXPECT_FALSE(ParseWaitingQueue(WaitingQueueValue({2, 1, 0})).has_value());
  EXPECT_FALSE(ParseWaitingEntry("short").has_value());
}

}  // namespace
}  // namespace polyscene
