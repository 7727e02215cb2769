// How Predict hands requests over, and what its callers are told; and the thread that sweeps.
#include "server/joiner/request_memory.h"

#include <future>
#include <thread>

#include "server/joiner/sweeper.h"
#include "tests/unit/server/joiner/joiner_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class RequestMemoryTest : public JoinerTest {
 protected:
  void SetUp() override {
    Open();
    memory_ = std::make_unique<RequestMemory>(*log_, *joiner_, *metrics_);
  }
  void TearDown() override { memory_->Drain(); }

  v1::RememberedRequest Unstamped(int rows) const {
    v1::RememberedRequest request = Request(rows);
    request.clear_event_time_micros();
    request.clear_format_version();
    return request;
  }
  bool RememberAndWait(const std::string& id, int rows = 2) {
    std::promise<bool> answer;
    memory_->Remember(id, 0, Unstamped(rows), /*wait=*/true, [&answer](bool ok) { answer.set_value(ok); });
    return answer.get_future().get();
  }
  bool RememberAtOnce(const std::string& id, int rows = 2) {
    bool told = false;
    memory_->Remember(id, 0, Unstamped(rows), /*wait=*/false, [&told](bool ok) { told = ok; });
    return told;  // `done` was called before this.
  }

  std::unique_ptr<RequestMemory> memory_;
};

TEST_F(RequestMemoryTest, WhoWaitsIsAnsweredOnceItIsDurable) {
  EXPECT_TRUE(RememberAndWait("r"));
  EXPECT_EQ(Holdings().requests, 1);
  Send({{"r", 1, "click", 1}});
  EXPECT_THAT(Records()[0].events().event_times_micros(), ElementsAre(absl::ToUnixMicros(clock_.Now())));
}

TEST_F(RequestMemoryTest, WhoDoesNotIsAnsweredAtOnceAndALabelSentThenFindsIt) {
  for (int i = 0; i < 100; ++i) {
    const std::string id = "r" + std::to_string(i);
    ASSERT_TRUE(RememberAtOnce(id));
    ASSERT_EQ(Send({{id, 0, "click", 1}}).accepted_rows, 1);
    ASSERT_EQ(Holdings().waiting_rows, 0);
  }
  EXPECT_THAT(Rows(), SizeIs(100));
}

TEST_F(RequestMemoryTest, OnAFullDiskNothingIsPromisedAndItComesBackByItself) {
  ASSERT_TRUE(RememberAndWait("before"));
  disk_.Fail(FailingDisk::Failure::kNoSpace);
  EXPECT_FALSE(RememberAndWait("lost"));
  EXPECT_FALSE(RememberAtOnce("at once"));
  EXPECT_FALSE(RememberAndWait("too soon to be tried"));
  disk_.Fail(FailingDisk::Failure::kNone);
  while (!RememberAndWait("after")) std::this_thread::yield();  // Within a second.
  EXPECT_TRUE(RememberAtOnce("and on"));
  memory_->Drain();
  EXPECT_EQ(Holdings().requests, 3);
  EXPECT_THAT(metrics_->Text(), HasSubstr("polyscene_joiner_remember_total{outcome=\"ok\"} 3\n"));
}

TEST_F(RequestMemoryTest, AFullStoreIsSaidAtOnce) {
  max_remembered_bytes_ = 100;
  SetUp();
  ASSERT_TRUE(RememberAndWait("r"));
  EXPECT_FALSE(RememberAndWait("more"));
  EXPECT_FALSE(RememberAtOnce("at once"));
  EXPECT_TRUE(TrySend("p", Batch({{"r", 0, "click", 1}})).ok());
}

TEST_F(RequestMemoryTest, DrainWaitsForWhatIsQueued) {
  std::atomic<int> answered{0};
  for (int i = 0; i < 200; ++i) {
    memory_->Remember("r" + std::to_string(i), 0, Unstamped(1), /*wait=*/true, [&answered](bool ok) {
      EXPECT_TRUE(ok);
      ++answered;
    });
  }
  memory_->Drain();
  EXPECT_EQ(answered, 200);
}

TEST_F(RequestMemoryTest, MemoryForWhatIsQueuedIsBounded) {
  // Some 4 MB each: faster than any disk takes them, so that some must be turned away.
  v1::RememberedRequest large = Unstamped(1);
  v1::Column* tags = large.add_candidates();
  tags->set_name("tags");
  tags->add_lengths(4000);
  for (int i = 0; i < 4000; ++i) tags->add_strings(std::string(1000, static_cast<char>('a' + i % 26)));
  int remembered = 0;
  for (int i = 0; i < 60; ++i) {
    memory_->Remember("r" + std::to_string(i), 0, large, /*wait=*/false, [&remembered](bool ok) { remembered += ok; });
  }
  memory_->Drain();
  EXPECT_GE(remembered, 8);
  EXPECT_EQ(Holdings().requests, static_cast<uint64_t>(remembered)) << "what was promised is kept";
}

TEST_F(RequestMemoryTest, TheSweeperLogsWhatIsDueByItself) {
  Sweeper sweeper(*log_, *joiner_, absl::Milliseconds(1));
  ASSERT_TRUE(RememberAndWait("r"));
  Expose("r", {0, 1});
  clock_.Advance(absl::Seconds(11));
  while (log_->end_offset() < 2) log_->WaitBeyond(1, absl::Seconds(1));
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=0"}, LoggedRow{"r", 1, "click=0"}));
}

TEST_F(RequestMemoryTest, TheSweeperGoesOnOnceTheDiskDoes) {
  ASSERT_TRUE(RememberAndWait("r"));
  Expose("r", {0});
  disk_.Fail(FailingDisk::Failure::kNoSpace);
  Sweeper sweeper(*log_, *joiner_, absl::Milliseconds(1));
  clock_.Advance(absl::Seconds(11));
  EXPECT_FALSE(TrySend("p", Batch({{"r", 0, "buy", 1}})).ok());
  disk_.Fail(FailingDisk::Failure::kNone);
  while (log_->end_offset() < 1) log_->WaitBeyond(0, absl::Seconds(1));
  EXPECT_THAT(Rows(), ElementsAre(LoggedRow{"r", 0, "click=0"}));
}

}  // namespace
}  // namespace polyscene
