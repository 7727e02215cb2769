#include "server/eventlog/log_dump.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "server/eventlog/record_json.h"
#include "tests/unit/server/eventlog/event_log_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LogDumpTest : public EventLogTest {
 protected:
  std::vector<nlohmann::json> Dump(uint64_t from = 0, uint64_t count = 1000000) {
    std::ostringstream out;
    const absl::Status status = DumpLog({directory_.path(), from, count}, out);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<nlohmann::json> lines;
    std::istringstream in(out.str());
    for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
};

TEST_F(LogDumpTest, PrintsEveryRecordBesideTheServerThatWritesThem) {
  Log("a", 1, {10, 20});
  ASSERT_TRUE(AppendAndWait(*log_, OpeningRecord("a", 7)).ok());
  Log("b", 1, {30});

  const std::vector<nlohmann::json> lines = Dump();
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0]["offset"], 0);
  EXPECT_EQ(lines[0]["rows"], 2);
  EXPECT_EQ(lines[0]["producer_id"], "a");
  EXPECT_EQ(lines[0]["sequence"], 1);
  EXPECT_EQ(lines[0]["scene"], "shop");
  EXPECT_EQ(lines[0]["columns"]["item"], nlohmann::json({10, 20}));
  EXPECT_GT(lines[0]["accepted_at_micros"].get<int64_t>(), 0);
  EXPECT_EQ(lines[1]["offset"], 2);
  EXPECT_EQ(lines[1]["evaluation_from_micros"], 7);
  EXPECT_EQ(lines[2]["offset"], 3);
  Log("b", 2, {40});  // The writer was not disturbed.
  EXPECT_THAT(Dump(), SizeIs(4));
}

TEST_F(LogDumpTest, BeginsWithTheRecordThatHoldsTheOffsetAndEndsAfterSoMany) {
  for (int sequence = 1; sequence <= 5; ++sequence) Log("p", sequence, Items(sequence, 3));
  EXPECT_EQ(Dump(0, 1).at(0)["offset"], 0);
  EXPECT_EQ(Dump(4, 1).at(0)["offset"], 3);
  EXPECT_THAT(Dump(6), SizeIs(3));
  EXPECT_THAT(Dump(15), IsEmpty());
  std::ostringstream out;
  const absl::Status status = DumpLog({directory_.path(), 16, 1}, out);
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()), HasSubstr("--from is 16, expected at most 15"));
}

TEST_F(LogDumpTest, ReadsWhileGroupsAndTablesAreWritten) {
  std::thread writer([this] {
    for (int sequence = 1; sequence <= 60; ++sequence) Log("p", sequence, Items(sequence, 20000));
  });
  size_t seen = 0;
  while (seen < 60) {
    const std::vector<nlohmann::json> lines = Dump();
    ASSERT_GE(lines.size(), seen);
    for (size_t i = 0; i < lines.size(); ++i) ASSERT_EQ(lines[i]["sequence"], i + 1);
    seen = lines.size();
  }
  writer.join();
}

TEST_F(LogDumpTest, ReadsALogOfSeveralWriteAheadLogsAndTables) {
  for (int sequence = 1; sequence <= 250; ++sequence) Log("p", sequence, Items(sequence, 20000));  // 40 MB.
  EXPECT_THAT(Dump(), SizeIs(250));
  log_.reset();
  EXPECT_THAT(Dump(), SizeIs(250));
  Open();
  EXPECT_EQ(log_->end_offset(), 5000000);
}

TEST_F(LogDumpTest, WithoutALogSaysSo) {
  std::ostringstream out;
  const absl::Status status = DumpLog({directory_.path() / "nothing", 0, 1}, out);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("there is no event log in "));
}

TEST(RecordJsonTest, MissingValuesAreNullSequencesAndForecastsAreArraysAndIntegersAreNumbers) {
  v1::LogRecord record;
  record.set_producer_id("p");
  v1::EventBatch& events = *record.mutable_events();
  events.set_rows(2);
  v1::Column& user = *events.add_columns();
  user.set_name("user");
  user.add_ints(9007199254740993);
  user.add_ints(0);
  user.add_missing_rows(1);
  v1::Column& tags = *events.add_columns();
  tags.set_name("tags");
  for (const char* tag : {"x", "y"}) tags.add_strings(tag);
  tags.add_lengths(2);
  tags.add_lengths(0);
  v1::Labels& demand = *events.add_labels();
  demand.set_task("demand");
  for (const float value : {1.0f, 2.0f, 3.0f, 4.0f}) demand.add_values(value);
  v1::JoinedRows& joined = *record.mutable_joined();
  joined.add_request_ids("r1");
  joined.add_correction_rows(1);

  const std::string text = RecordJson(5, record);
  EXPECT_THAT(text, HasSubstr("\"user\":[9007199254740993,null]"));
  EXPECT_THAT(text, HasSubstr("\"tags\":[[\"x\",\"y\"],[]]"));
  EXPECT_THAT(text, HasSubstr("\"demand\":[[1.0,2.0],[3.0,4.0]]"));
  EXPECT_THAT(text, HasSubstr("\"correction_rows\":[1]"));
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace polyscene
