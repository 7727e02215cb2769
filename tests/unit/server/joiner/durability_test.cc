// What survives: restarts, groups that fail, damage, a store that is full.
#include <future>

#include "tests/unit/server/joiner/joiner_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class DurabilityTest : public JoinerTest {};

TEST_F(DurabilityTest, ARestartAtAnyPointChangesNothing) {
  Remember("r", 3);
  Open();
  Expose("r", {0, 2}, {1, 2});
  Open();
  Send({{"r", 0, "click", 1}});
  Open();
  EXPECT_THAT(Refused(Send({{"r", 1, "click", 1}})), ElementsAre(Pair(0, "not_exposed")));
  Send({{"r", 0, "click", 1}, {"r", 0, "click", 0}});
  Open();
  EXPECT_EQ(Holdings().requests, 1);
  clock_.Advance(absl::Seconds(11));
  Sweep();
  Open();
  Sweep();
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=1"}, LoggedRow{"r", 0, "click=1", -1, true},
                                  LoggedRow{"r", 0, "click=0", 1, true}, LoggedRow{"r", 2, "click=0"}));
  clock_.Advance(absl::Seconds(1000));
  Open();
  Sweep();
  EXPECT_EQ(Holdings().requests, 0);
}

TEST_F(DurabilityTest, ADatabaseFromBeforeTheJoinerOpens) {
  log_.reset();
  const std::string old = (directory_.path() / "old").string();
  {
    // As an earlier release left it: without the joiner's families.
    rocksdb::Options options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const char* name : {"default", "records", "producers", "steps", "segments"})
      families.emplace_back(name, options);
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, old, families, &handles, &db).ok());
    for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
    delete db;
  }
  std::filesystem::remove_all(directory_.path() / "log");
  std::filesystem::rename(old, directory_.path() / "log");
  Open();
  Remember("r", 1);
  EXPECT_EQ(Send({{"r", 0, "click", 1}}).accepted_rows, 1);
  EXPECT_THAT(Rows(), SizeIs(1));
}

TEST_F(DurabilityTest, NothingOfAGroupThatFailedIsLeft) {
  Remember("r", 2);
  disk_.Fail(FailingDisk::Failure::kNoSpace);
  EXPECT_EQ(TryRemember("s", Request(2)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(TrySend("p", Batch({{"r", 0, "click", 1}})).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Holdings().requests, 1);
  EXPECT_EQ(Counts().joined_rows, 0);
  disk_.Fail(FailingDisk::Failure::kNone);

  EXPECT_EQ(Send({{"r", 0, "click", 0}}).accepted_rows, 1);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=0"})) << "no correction of what was never learned";
  EXPECT_EQ(Send({{"s", 0, "click", 1}}).accepted_rows, 1);
  EXPECT_EQ(Holdings().waiting_rows, 1) << "s is not remembered";
}

TEST_F(DurabilityTest, NothingOfAGroupThatFailedComesBackWithARestartEither) {
  Remember("r", 2);
  Remember("gone", 1);
  disk_.Fail(FailingDisk::Failure::kNoSpace);
  EXPECT_FALSE(TryRemember("s", Request(2)).ok());
  EXPECT_FALSE(TrySend("p", Batch({{"r", 0, "click", 1}})).ok());
  disk_.Fail(FailingDisk::Failure::kNone);
  Send("q", Batch({{"r", 1, "click", 1}}));

  Open();
  EXPECT_EQ(Holdings().requests, 2);
  Send({{"r", 0, "click", 0}});
  EXPECT_EQ(Send({{"s", 0, "click", 1}}).accepted_rows, 1);
  EXPECT_EQ(Holdings().waiting_rows, 1);
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 1, "click=1"}, LoggedRow{"r", 0, "click=0"}));
}

TEST_F(DurabilityTest, ASweepThatFailedIsDoneAgain) {
  Remember("r", 1);
  Expose("r", {0});
  clock_.Advance(absl::Seconds(11));
  disk_.Fail(FailingDisk::Failure::kNoSpace);
  JoinInput input;
  input.what = polyscene::Sweep();
  EXPECT_FALSE(Join(std::move(input)).ok());
  EXPECT_TRUE(joiner_->SweepDue());
  disk_.Fail(FailingDisk::Failure::kNone);
  Sweep();
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=0"}));
  Sweep();
  EXPECT_THAT(Rows(), SizeIs(1));
}

TEST_F(DurabilityTest, InputsOfOneGroupSeeEachOther) {
  // Held up by nothing, these mostly share a group; whatever the groups, the outcome is the same.
  std::vector<std::future<absl::StatusOr<Appended>>> answers;
  const auto join = [&](JoinInput input) {
    auto answer = std::make_shared<std::promise<absl::StatusOr<Appended>>>();
    answers.push_back(answer->get_future());
    log_->Join(std::move(input),
               [answer](absl::StatusOr<Appended> appended) { answer->set_value(std::move(appended)); });
  };
  const auto labels = [](uint64_t sequence, const std::vector<Label>& rows) {
    JoinInput input;
    input.producer_id = "p";
    v1::LabelBatch batch = Batch(rows);
    batch.set_sequence(sequence);
    input.what = std::move(batch);
    return input;
  };
  for (int i = 0; i < 50; ++i) {
    const std::string id = "r" + std::to_string(i);
    const uint64_t sequence = static_cast<uint64_t>(3 * i);
    join(labels(sequence + 1, {{id, 0, "buy", 1}}));
    JoinInput remember;
    remember.what = ToRemember(id, Request(2));
    join(std::move(remember));
    join(labels(sequence + 2, {{id, 0, "click", 1}, {id, 1, "click", 1}}));
    join(labels(sequence + 3, {{id, 0, "click", 1}, {id, 1, "click", 0}}));
  }
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
  const std::vector<LoggedRow> rows = Rows();
  ASSERT_THAT(rows, SizeIs(250));
  for (size_t i = 0; i < 50; ++i) {
    const std::string id = "r" + std::to_string(i);
    EXPECT_THAT((std::vector<LoggedRow>(rows.begin() + 5 * i, rows.begin() + 5 * i + 5)),
                ElementsAre(LoggedRow{id, 0, "buy=1"}, LoggedRow{id, 0, "click=1"}, LoggedRow{id, 1, "click=1"},
                            LoggedRow{id, 1, "click=1", -1, true}, LoggedRow{id, 1, "click=0", 1, true}));
  }
}

TEST_F(DurabilityTest, BeyondItsBytesNothingIsRememberedUntilWindowsClose) {
  max_remembered_bytes_ = 400;
  Open();
  int kept = 0;
  for (; kept < 100 && TryRemember("r" + std::to_string(kept), Request(2)).ok(); ++kept) {
  }
  EXPECT_GT(kept, 1);
  const absl::Status full = TryRemember("x", Request(2));
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("max_remembered_bytes"));
  EXPECT_EQ(Send({{"r0", 0, "click", 1}}).accepted_rows, 1);
  clock_.Advance(absl::Seconds(1001));
  Sweep();
  EXPECT_TRUE(TryRemember("x", Request(2)).ok());
}

TEST_F(DurabilityTest, ADamagedRequestRefusesItsLabelsAndIsForgottenInTime) {
  Remember("good", 1);
  v1::RememberedRequest bad = Request(2);
  bad.mutable_candidates(0)->add_ints(3);  // Three values of two rows: nothing that Predict could have scored.
  ASSERT_TRUE(TryRemember("bad", bad).ok());
  const Appended appended = Send({{"bad", 0, "click", 1}, {"good", 0, "click", 1}});
  EXPECT_THAT(Refused(appended), ElementsAre(Pair(0, "damaged")));
  EXPECT_EQ(appended.accepted_rows, 1);
  EXPECT_THAT(Refused(Expose("bad", {0, 1})), ElementsAre(Pair(0, "damaged"), Pair(1, "damaged")));
  clock_.Advance(absl::Seconds(1001));
  Sweep();
  EXPECT_EQ(Holdings().requests, 0);
}

TEST_F(DurabilityTest, WithoutAJoinerLabelsAreRefused) {
  log_.reset();
  EventLogOptions options;
  options.directory = directory_.path() / "log";
  log_ = *RocksEventLog::Open(options, nullptr);
  EXPECT_EQ(TrySend("p", Batch({{"r", 0, "click", 1}})).status().code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace polyscene
