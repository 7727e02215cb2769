// When windows close: by the wall clock, or by the times of a replay; and what goes then.
#include "tests/unit/server/joiner/joiner_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr int64_t kPast = 1'000'000;  // Seconds since 1970: when replayed requests happened.

class WindowsTest : public JoinerTest {
 protected:
  // Entries of a family of the database, which is closed meanwhile.
  int Entries(LogFamily family) {
    log_.reset();
    int entries = 0;
    {
      const std::unique_ptr<LogStore> store = *LogStore::Open(directory_.path() / "log", nullptr);
      const std::unique_ptr<rocksdb::Iterator> entry = store->Iterate(family);
      for (entry->SeekToFirst(); entry->Valid(); entry->Next()) ++entries;
    }
    Open();
    return entries;
  }
};

TEST_F(WindowsTest, ARequestGoesWithAllItLeftOnceItsLongestWindowIsClosed) {
  Remember("r", 2);
  Expose("r", {0, 1});
  Send({{"r", 0, "click", 1}});
  EXPECT_EQ(Holdings().requests, 1);
  EXPECT_GT(Holdings().bytes, 0);
  clock_.Advance(absl::Seconds(1000));
  Sweep();
  EXPECT_EQ(Holdings().requests, 1);
  clock_.Advance(absl::Microseconds(1));
  Sweep();
  EXPECT_EQ(Holdings().requests, 0);
  EXPECT_EQ(Holdings().bytes, 0);
  for (const LogFamily family :
       {LogFamily::kRemembered, LogFamily::kJoins, LogFamily::kWaiting, LogFamily::kDeadlines}) {
    EXPECT_EQ(Entries(family), 0) << static_cast<int>(family);
  }
}

TEST_F(WindowsTest, ALabelOfARequestThatIsGoneWaitsInVainAndIsCounted) {
  Remember("r", 1);
  clock_.Advance(absl::Seconds(1001));
  Sweep();
  EXPECT_EQ(Send({{"r", 0, "buy", 1}}).accepted_rows, 1);
  EXPECT_EQ(Holdings().waiting_rows, 1);
  clock_.Advance(absl::Seconds(61));
  Sweep();
  EXPECT_EQ(Holdings().waiting_rows, 0);
  EXPECT_EQ(Counts().expired_rows, 1);
  EXPECT_THAT(Rows(), IsEmpty());
}

TEST_F(WindowsTest, OfAReplayedRequestTheLabelsOwnTimesDecide) {
  Remember("r", 2, kPast);
  clock_.Advance(absl::Seconds(5000));
  Send("p", Batch({{"r", 0, "click", 1}}, {kPast + 100}));
  EXPECT_THAT(Refused(Send("p", Batch({{"r", 1, "click", 1}}, {kPast + 101}))), ElementsAre(Pair(0, "late")));
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=1"}));
  EXPECT_THAT(Records()[0].events().event_times_micros(), ElementsAre(kPast * 1'000'000));
}

TEST_F(WindowsTest, ALabelWithoutATimeIsOfNowAndSoLateForAReplayedRequest) {
  Remember("r", 1, kPast);
  EXPECT_THAT(Refused(Send({{"r", 0, "buy", 1}})), ElementsAre(Pair(0, "late")));
}

TEST_F(WindowsTest, AReplayedRequestClosesByTheNewestTimeThatWasNamed) {
  Remember("a", 1, kPast);
  Remember("b", 2, kPast + 900);
  Expose("b", {0, 1}, {}, kPast + 901);
  clock_.Advance(absl::Hours(1000));
  Sweep();
  EXPECT_EQ(Holdings().requests, 2) << "the wall clock says nothing of the past";
  Send("p", Batch({{"b", 0, "click", 1}}, {kPast + 905}));
  Sweep();
  EXPECT_EQ(Holdings().requests, 2);
  Send("p", Batch({{"b", 1, "buy", 1}}, {kPast + 1001}));
  Sweep();
  EXPECT_EQ(Holdings().requests, 1) << "a's windows are closed";
  EXPECT_THAT(Rows(),
              ElementsAre(LoggedRow{"b", 0, "click=1"}, LoggedRow{"b", 1, "buy=1"}, LoggedRow{"b", 1, "click=0"}));
}

TEST_F(WindowsTest, ATimeThatIsRefusedDoesNotMoveTheReplay) {
  Remember("r", 1, kPast);
  Send("p", Batch({{"r", 0, "click", 1}}, {kPast + 1'000'000'000}));
  Sweep();
  EXPECT_EQ(Holdings().requests, 1);
  EXPECT_EQ(Send("p", Batch({{"r", 0, "buy", 1}}, {kPast + 1})).accepted_rows, 1);
}

TEST_F(WindowsTest, AClockThatJumpsBackOnlyDelays) {
  Remember("r", 1);
  clock_.Advance(absl::Seconds(50));
  Send({{"r", 0, "spend", 1}});
  clock_.Advance(-absl::Hours(10));
  Remember("s", 1);
  EXPECT_EQ(Send({{"r", 0, "click", 1}}).accepted_rows, 1);
  Sweep();
  Open();
  clock_.Advance(absl::Hours(10) + absl::Seconds(50));
  EXPECT_EQ(Send({{"r", 0, "click", 0}}).accepted_rows, 1) << "100 s after it";
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(Refused(Send({{"r", 0, "click", 1}})), ElementsAre(Pair(0, "late")));
}

TEST_F(WindowsTest, MoreThanOneSweepTakesIsSweptInTurns) {
  for (int i = 0; i < 700; ++i) {
    JoinInput input;
    input.what = ToRemember("r" + std::to_string(i), Request(1));
    log_->Join(std::move(input), [](absl::StatusOr<Appended> appended) { EXPECT_TRUE(appended.ok()); });
  }
  Remember("last", 1);
  EXPECT_EQ(Holdings().requests, 701);
  clock_.Advance(absl::Seconds(1001));
  Sweep();
  EXPECT_EQ(Holdings().requests, 0);
  EXPECT_FALSE(joiner_->SweepDue());
}

}  // namespace
}  // namespace polyscene
