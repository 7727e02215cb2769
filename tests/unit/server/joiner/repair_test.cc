// A group that failed may still come back from RocksDB's write-ahead log, before the groups that follow it.
#include <rocksdb/write_batch.h>

#include "server/joiner/deadlines.h"
#include "server/joiner/joiner.h"
#include "server/joiner/waiting_entries.h"
#include "tests/unit/server/joiner/joiner_fixture.h"

namespace polyscene {
namespace {

class RepairTest : public JoinerTest {
 protected:
  absl::Status JoinHere(JoinInput input) { return joiner_->Join(std::move(input)).status(); }
  JoinInput Remembered(const std::string& id, int rows) {
    JoinInput input;
    input.what = ToRemember(id, Request(rows));
    return input;
  }
  JoinInput Labelled(const std::string& id, float value) {
    JoinInput input;
    input.producer_id = "p";
    input.what = Batch({{id, 0, "click", value}});
    return input;
  }
};

TEST_F(RepairTest, TheNextGroupPutsBackWhatWasThereBefore) {
  log_.reset();
  const std::unique_ptr<LogStore> store = *LogStore::Open(directory_.path() / "bare", nullptr);
  ASSERT_TRUE(joiner_->Load(*store).ok());
  ASSERT_TRUE(JoinHere(Remembered("r", 1)).ok());
  ASSERT_TRUE(JoinHere(Labelled("r", 1)).ok());
  rocksdb::WriteBatch good;
  ASSERT_TRUE(joiner_->Stage(&good));
  ASSERT_TRUE(store->Write(&good, false).ok());
  joiner_->Commit();
  const std::string state = **store->Get(LogFamily::kJoins, "r");
  const std::string totals = **store->Get(LogFamily::kMeta, "joiner");

  ASSERT_TRUE(JoinHere(Remembered("s", 1)).ok());
  ASSERT_TRUE(JoinHere(Labelled("r", 0)).ok());
  ASSERT_TRUE(JoinHere(Labelled("later", 1)).ok());
  rocksdb::WriteBatch failed;
  ASSERT_TRUE(joiner_->Stage(&failed));
  joiner_->Abandon();

  rocksdb::WriteBatch next;
  EXPECT_FALSE(joiner_->Stage(&next)) << "nothing of its own";
  // In the order in which they lie in the write-ahead log.
  ASSERT_TRUE(store->Write(&failed, false).ok());
  ASSERT_TRUE(store->Write(&next, false).ok());
  joiner_->Commit();

  EXPECT_FALSE(store->Get(LogFamily::kRemembered, "s")->has_value());
  EXPECT_FALSE(store->Get(LogFamily::kWaiting, WaitingQueueKey("later"))->has_value());
  EXPECT_FALSE(store->Get(LogFamily::kWaiting, WaitingEntryKey("later", 0))->has_value());
  EXPECT_EQ(**store->Get(LogFamily::kJoins, "r"), state);
  EXPECT_EQ((**store->Get(LogFamily::kMeta, "joiner")).substr(0, 24), totals.substr(0, 24));
  int deadlines = 0;
  const std::unique_ptr<rocksdb::Iterator> entry = store->Iterate(LogFamily::kDeadlines);
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) ++deadlines;
  EXPECT_EQ(deadlines, 1);
}

TEST(Deadlines, SortByKindAndTimeAndComeBack) {
  const std::string keys[] = {
      DeadlineKey(DeadlineKind::kLive, -5, "z"),   DeadlineKey(DeadlineKind::kLive, 0, ""),
      DeadlineKey(DeadlineKind::kLive, 7, "a"),    DeadlineKey(DeadlineKind::kLive, 7, "b"),
      DeadlineKey(DeadlineKind::kLive, 300, "a"),  DeadlineKey(DeadlineKind::kReplayed, -9, "a"),
      DeadlineKey(DeadlineKind::kWaiting, -9, "a")};
  EXPECT_TRUE(std::is_sorted(std::begin(keys), std::end(keys)));
  const std::optional<Deadline> deadline = ParseDeadlineKey(keys[0]);
  EXPECT_EQ(deadline->at_micros, -5);
  EXPECT_EQ(deadline->request_id, "z");
  EXPECT_FALSE(ParseDeadlineKey("").has_value());
  EXPECT_FALSE(ParseDeadlineKey("l1234567").has_value());
  EXPECT_FALSE(ParseDeadlineKey(std::string(20, 'x')).has_value());

  const DueRequest due{true, -1, 123, "shop"};
  const std::optional<DueRequest> again = ParseDueRequest(DueRequestValue(due));
  EXPECT_TRUE(again->last);
  EXPECT_EQ(again->event_time_micros, -1);
  EXPECT_EQ(again->stored_bytes, 123);
  EXPECT_EQ(again->scene, "shop");
  EXPECT_FALSE(ParseDueRequest("short").has_value());
}

}  // namespace
}  // namespace polyscene
