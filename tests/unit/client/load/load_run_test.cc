#include "client/load/load_run.h"

#include <atomic>
#include <vector>

#include "client/load/load_report.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/load/virtual_server.h"

namespace polyscene::load {
namespace {

using ::testing::HasSubstr;

class LoadRunTest : public ::testing::Test {
 protected:
  LoadRunTest() {
    options_.arrivals = Arrivals::Kind::kUniform;
    options_.warmup = absl::ZeroDuration();
    options_.timeout = absl::Seconds(100);
    options_.max_in_flight = 1'000'000;
  }

  LoadResult Run() { return LoadRun(options_, pool_, server_, server_).Run(stop_); }

  // Stalls the server for `stall` from the middle of the run on.
  void Stall(absl::Duration stall) {
    server_.stall_begin = server_.Now() + options_.warmup + options_.duration / 2;
    server_.stall_end = server_.stall_begin + stall;
  }

  VirtualServer server_;
  std::vector<PreparedRequest> pool_ = {{"search", 4, ""}, {"search", 6, ""}};
  LoadOptions options_;
  std::atomic<bool> stop_{false};
};

TEST_F(LoadRunTest, AnOpenLoopSendsWhatIsDueAndTimesIt) {
  options_.rate = 100;
  const LoadResult result = Run();
  EXPECT_EQ(result.measured.requests, 999);  // At 10 ms, 20 ms, ... before 10 s.
  EXPECT_EQ(result.measured.answered, 999);
  EXPECT_EQ(result.measured.rows_within, 500 * 4 + 499 * 6);
  EXPECT_EQ(result.measured.latency.max(), absl::Milliseconds(1));
  EXPECT_EQ(result.measured.send_lag.max(), absl::ZeroDuration());
  EXPECT_THAT(result.measured.versions, ::testing::ElementsAre(3));
}

TEST_F(LoadRunTest, AStallIsInTheLatencyOfEveryRequestThatWasDueMeanwhile) {
  options_.rate = 100;
  Stall(absl::Seconds(2));
  const Measured measured = Run().measured;
  // 200 of 999 were due within the stall: the first waited for all of it, the last for none, and the queue that they
  // made took its time too. Of all, one in a hundred waited for 1.9 s or more.
  EXPECT_GT(measured.latency.QuantileSeconds(0.99), 1.88);
  EXPECT_GT(measured.latency.QuantileSeconds(0.9), 0.9);
  EXPECT_NEAR(measured.latency.QuantileSeconds(0.5), 0.001, 1e-5);
  EXPECT_EQ(measured.answered, 999);
}

TEST_F(LoadRunTest, AClosedLoopHidesTheSameStall) {
  options_.concurrency = 1;
  Stall(absl::Seconds(2));
  const Measured measured = Run().measured;
  EXPECT_NEAR(measured.latency.QuantileSeconds(0.99), 0.001, 1e-5);
  EXPECT_GE(measured.latency.max(), absl::Seconds(2));
}

TEST_F(LoadRunTest, AClosedLoopKeepsItsCallersBusyAndNoMore) {
  options_.concurrency = 4;
  const LoadResult result = Run();
  // A server that takes a millisecond answers a thousand a second, each after the three before it.
  EXPECT_NEAR(static_cast<double>(result.measured.answers_within), 10'000, 20);
  EXPECT_EQ(result.measured.latency.max(), absl::Milliseconds(4));
}

TEST_F(LoadRunTest, TheWarmUpIsNotMeasured) {
  options_.rate = 100;
  options_.warmup = absl::Seconds(3);
  server_.stall_begin = server_.Now();
  server_.stall_end = server_.Now() + absl::Seconds(1);
  const LoadResult result = Run();
  EXPECT_EQ(result.measured.requests, 1000);
  EXPECT_EQ(result.measured.latency.max(), absl::Milliseconds(1));
  EXPECT_EQ(server_.started(), 1299);
}

TEST_F(LoadRunTest, WhatIsDueBeyondTheMostInFlightIsAnErrorAndNotDelayed) {
  options_.rate = 100;
  options_.max_in_flight = 50;
  Stall(absl::Seconds(2));
  const Measured measured = Run().measured;
  EXPECT_EQ(measured.requests, 999);
  ASSERT_EQ(measured.errors.count(kNotSent), 1);
  EXPECT_NEAR(static_cast<double>(measured.errors.at(kNotSent).count), 150, 2);
  EXPECT_EQ(measured.sent + measured.errors.at(kNotSent).count, 999);
  EXPECT_EQ(measured.send_lag.max(), absl::ZeroDuration());
}

TEST_F(LoadRunTest, ARequestThatRunsIntoItsDeadlineIsAnErrorAndInTheLatency) {
  options_.rate = 100;
  options_.timeout = absl::Milliseconds(500);
  Stall(absl::Seconds(2));
  const Measured measured = Run().measured;
  const int64_t late = measured.errors.at("DEADLINE_EXCEEDED").count;
  EXPECT_NEAR(static_cast<double>(late), 150, 2);
  EXPECT_EQ(measured.answered + late, 999);
  EXPECT_EQ(measured.latency.count(), 999);
  EXPECT_NEAR(measured.latency.QuantileSeconds(0.99), 0.5, 0.005);
}

TEST_F(LoadRunTest, RefusalsAreCountedByCodeAndLeftOutOfTheLatency) {
  options_.rate = 100;
  server_.refuse = [](int64_t request) {
    return request % 3 == 0 ? absl::ResourceExhaustedError("the queue is full") : absl::OkStatus();
  };
  const Measured measured = Run().measured;
  EXPECT_EQ(measured.errors.at("RESOURCE_EXHAUSTED").count, 333);
  EXPECT_EQ(measured.errors.at("RESOURCE_EXHAUSTED").message, "the queue is full");
  EXPECT_EQ(measured.error_count(), 333);
  EXPECT_EQ(measured.answered, 666);
  EXPECT_EQ(measured.latency.count(), 666);
}

TEST_F(LoadRunTest, CallersOfAClosedLoopRestAfterAnError) {
  options_.concurrency = 2;
  server_.refuse = [](int64_t) { return absl::UnavailableError("gone"); };
  const Measured measured = Run().measured;
  EXPECT_EQ(measured.error_count(), measured.requests);
  EXPECT_LE(measured.requests, 2 * 1001);  // Each rests for 10 ms.
  EXPECT_GE(measured.requests, 2 * 990);
}

TEST_F(LoadRunTest, AGeneratorThatCannotKeepUpSaysSoAndEndsInTime) {
  options_.rate = 1000;
  options_.duration = absl::Seconds(5);
  server_.cost_of_sending = absl::Milliseconds(4);
  const absl::Duration start = server_.Now();
  const LoadResult result = Run();
  EXPECT_LT(server_.Now() - start, absl::Seconds(6));
  EXPECT_EQ(result.measured.requests, 4999);
  EXPECT_GT(result.measured.errors.at(kSentTooLate).count, 3000);
  EXPECT_GT(result.measured.send_lag.max(), absl::Seconds(3));
  EXPECT_THAT(GeneratorLimit({"serving", options_, result}), HasSubstr("were not sent in time: asked for 1,000"));
}

TEST_F(LoadRunTest, AStopEndsTheRunWithWhatWasMeasuredSoFar) {
  options_.rate = 100;
  server_.on_start = [this] { stop_ = server_.started() == 299; };
  const LoadResult result = Run();
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(result.measured.requests, 300);
  EXPECT_EQ(result.measured.answered, 300);
  EXPECT_NEAR(absl::ToDoubleSeconds(result.window), 3, 0.1);
}

TEST_F(LoadRunTest, WhatIsNeverAnsweredIsCancelled) {
  options_.rate = 10;
  options_.timeout = absl::Seconds(1);
  options_.duration = absl::Seconds(1);
  class Silent : public VirtualServer {
   public:
    void Start(size_t, absl::Duration, Done done) override { waiting_.push_back(std::move(done)); }
    void CancelAll() override {
      for (const Done& done : waiting_) done({absl::CancelledError("cancelled")});
    }

   private:
    std::vector<Done> waiting_;
  } silent;
  const LoadResult result = LoadRun(options_, pool_, silent, silent).Run(stop_);
  EXPECT_EQ(result.measured.errors.at("CANCELLED").count, 9);
}

}  // namespace
}  // namespace polyscene::load
