#include "client/load/load_report.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene::load {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// 100 answers of 10 ms within 2 s, 10 rows each, and 5 refusals.
LoadColumn Column(const std::string& title) {
  LoadColumn column;
  column.title = title;
  column.options.rate = 50;
  LoadResult& result = column.result;
  result.window = absl::Seconds(2);
  result.elapsed = absl::Seconds(3);
  Recorder recorder(absl::ZeroDuration(), absl::Seconds(2));
  for (int i = 0; i < 100; ++i) {
    const absl::Duration due = absl::Milliseconds(i);
    recorder.Sent(due, due);
    recorder.Done(due, due + absl::Milliseconds(10), 10, {absl::OkStatus(), static_cast<uint64_t>(4 + i / 50)});
  }
  for (int i = 0; i < 5; ++i) {
    recorder.Sent(absl::Seconds(1), absl::Seconds(1));
    recorder.Done(absl::Seconds(1), absl::Seconds(1.1), 10, {absl::ResourceExhaustedError("the queue is full")});
  }
  result.measured = recorder.Snapshot();
  return column;
}

TEST(LoadReportTest, JsonHasWhatProgramsRelyOn) {
  const Json json = LoadJson(Column("serving"));
  EXPECT_EQ(json["requests"], 105);
  EXPECT_EQ(json["errors"], 5);
  EXPECT_EQ(json["errors_by_code"]["RESOURCE_EXHAUSTED"], 5);
  EXPECT_EQ(json["rate"], 50);
  EXPECT_EQ(json["rows_per_second"], 500);
  for (const char* const key : {"p50_seconds", "p90_seconds", "p99_seconds", "p999_seconds"}) {
    EXPECT_NEAR(json[key].get<double>(), 0.01, 5e-5) << key;
  }
  EXPECT_EQ(json["first_version"], 4);
  EXPECT_EQ(json["last_version"], 5);
  EXPECT_EQ(json["generator_limited"], false);
  EXPECT_FALSE(json.contains("events_per_second"));
}

TEST(LoadReportTest, WhatWasNotMeasuredIsNull) {
  LoadColumn nothing;
  const Json json = LoadJson(nothing);
  EXPECT_EQ(json["requests"], 0);
  EXPECT_TRUE(json["p99_seconds"].is_null());
  EXPECT_TRUE(json["first_version"].is_null());
}

TEST(LoadReportTest, TheTableHasRunsSideBySideAndErrorsBelow) {
  LoadColumn learning = Column("while learning");
  learning.events_per_second = 12'345;
  const std::string table = LoadTable({Column("serving alone"), learning});
  EXPECT_THAT(table, AllOf(HasSubstr("serving alone"), HasSubstr("while learning"), HasSubstr("12,345"),
                           HasSubstr("serving alone: 5 RESOURCE_EXHAUSTED: the queue is full\n")));
  EXPECT_THAT(table, Not(HasSubstr("bottleneck")));
}

TEST(LoadReportTest, AThreadThatWasBusyAllTheTimeIsTheBottleneck) {
  LoadColumn column = Column("serving");
  column.result.receiver_time = absl::Seconds(2.9);
  EXPECT_THAT(GeneratorLimit(column), HasSubstr("the thread that receives was busy for 97 % of the run"));
  EXPECT_THAT(LoadTable({column}), HasSubstr("the load generator was the bottleneck"));
}

TEST(LoadReportTest, ALagThatIsAGoodPartOfTheLatencyIsTheGeneratorsFault) {
  LoadColumn column = Column("serving");
  for (int i = 0; i < 10; ++i) column.result.measured.send_lag.Record(absl::Milliseconds(5));
  EXPECT_THAT(GeneratorLimit(column), HasSubstr("late or more"));
}

}  // namespace
}  // namespace polyscene::load
