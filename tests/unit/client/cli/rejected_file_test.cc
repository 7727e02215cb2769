// The file of refused rows: what it holds for each kind of source, and that it can be read back.
#include "client/feed/rejected_file.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "client/status/status_json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/data/csv_reader.h"
#include "tests/unit/client/cli/run_command.h"

namespace polyscene::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RejectedFileTest : public ::testing::Test {
 protected:
  RejectedFileTest() {  // What an earlier run of the test left.
    std::filesystem::remove(path_);
    std::filesystem::remove(path_ + ".partial");
  }

  std::string Written(std::vector<RejectedSource> sources, const std::vector<RefusedRow>& rows) {
    auto file = RejectedFile::Create(path_, std::move(sources));
    EXPECT_TRUE(file.ok()) << file.status();
    for (const RefusedRow& row : rows) (*file)->Add(row);
    EXPECT_TRUE((*file)->Close().ok());
    EXPECT_EQ((*file)->rows(), static_cast<int64_t>(rows.size()));
    return ReadFile(path_);
  }

  const std::string path_ = TestPath("rejected");
};

constexpr char kFour[] = "rejected_file,rejected_line,rejected_reason,rejected_message";

TEST_F(RejectedFileTest, FilesOfSeveralHeadersShareTheirColumns) {
  const std::string text = Written({{"a.csv", false, {"user", "click"}}, {"b.csv", false, {"price", "user"}}},
                                   {{0, 2, "r", "m", "1,\"x,\"\"y\"\"\""}, {1, 3, "r", "m", "9.5,2"}});
  EXPECT_EQ(text, std::string(kFour) + ",user,click,price\na.csv,2,r,m,1,\"x,\"\"y\"\"\",\nb.csv,3,r,m,2,,9.5\n");
}

TEST_F(RejectedFileTest, WhatCouldNotBeReadIsNeverARowOnceItIsReadBack) {
  for (const std::vector<std::string>& header : {std::vector<std::string>{"a"}, {"a", "b"}, {"a", "b", "c"}}) {
    std::filesystem::remove(path_);
    Written({{"f.csv", false, header}}, {{0, 2, "field_count", "m", "1,2,3,4", false},
                                         {0, 3, "broken_quotes", "m", "\"1,\"2", false},
                                         {0, 4, "too_long", "m", "", false},
                                         {0, 5, "field_count", "m", "1", false}});
    const auto csv = CsvReader::Open(path_);
    ASSERT_TRUE(csv.ok());
    for (int line = 0; line < 4; ++line) {
      EXPECT_EQ((*csv)->Next(), CsvReader::Outcome::kBadLine);
      EXPECT_EQ((*csv)->problem(), "field_count");
    }
    EXPECT_EQ((*csv)->Next(), CsvReader::Outcome::kEnd);
  }
}

TEST_F(RejectedFileTest, RefusedAgainARowHasItsLatestRefusalOnly) {
  const std::string text =
      Written({{"r.csv", false, {"rejected_file", "rejected_line", "rejected_reason", "rejected_message", "user"}}},
              {{0, 2, "new", "m", "old.csv,7,old,\"o, o\",5"}});
  EXPECT_EQ(text, std::string(kFour) + ",user\nr.csv,2,new,m,5\n");
}

TEST_F(RejectedFileTest, RefusedAgainALineThatCannotBeReadStandsAsItDidTheFirstTime) {
  const std::vector<std::string> broken = {"1,2,3,4", "\"1,\"2", "say \"hi\"", "\"1\"", "1", ""};
  for (const std::vector<std::string>& header : {std::vector<std::string>{"a"}, {"a", "b"}}) {
    std::vector<RejectedSource> sources = {{"f.csv", false, header}};
    std::vector<std::string> lines = broken;
    std::string first;
    for (int round = 0; round < 3; ++round) {
      std::filesystem::remove(path_);
      std::vector<RefusedRow> rows;
      for (const std::string& line : lines) rows.push_back({0, 2, "field_count", "m, \"m\"", line, false});
      const std::string text = Written(sources, rows);
      if (round == 0) first = text;
      EXPECT_EQ(text, first);
      sources[0].header = {"rejected_file", "rejected_line", "rejected_reason", "rejected_message"};
      sources[0].header.insert(sources[0].header.end(), header.begin(), header.end());
      lines.clear();
      for (size_t at = text.find('\n') + 1; at < text.size(); at = text.find('\n', at) + 1) {
        lines.push_back(text.substr(at, text.find('\n', at) - at));
      }
      ASSERT_EQ(lines.size(), broken.size());
    }
  }
}

TEST_F(RejectedFileTest, RefusedAgainAnObjectHasItsLatestRefusalOnly) {
  const std::string once =
      Written({{"in.jsonl", true, {}}}, {{0, 7, "r", "got '\"rejected_file\": \"'", "{\"user\": 1.50}"}});
  std::filesystem::remove(path_);
  const std::string line = once.substr(0, once.size() - 1);
  EXPECT_EQ(Written({{"in.jsonl", true, {}}}, {{0, 7, "r", "got '\"rejected_file\": \"'", line}}), once);
}

TEST_F(RejectedFileTest, JsonObjectsKeepTheirKeysAndGetFourMore) {
  const std::string text =
      Written({{"in.jsonl", true, {}}}, {{0, 1, "r", "say \"m\"", " {\"user\": 1, \"more\": {\"x\": [1]}} "},
                                         {0, 2, "r", "m", "{}"},
                                         {0, 3, "broken_json", "m", "{\"user\": \xff", false},
                                         {0, 4, "r", "m", "{\"user\": 2, \"rejected_line\": 9}"}});
  std::vector<Json> objects;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    objects.push_back(Json::parse(text.substr(at, end - at)));
    at = end + 1;
  }
  ASSERT_EQ(objects.size(), 4u);
  EXPECT_EQ(objects[0]["user"], 1);
  EXPECT_EQ(objects[0]["more"]["x"][0], 1);
  EXPECT_EQ(objects[0]["rejected_message"], "say \"m\"");
  EXPECT_EQ(objects[1]["rejected_line"], 2);
  EXPECT_THAT(objects[2]["rejected_text"].get<std::string>(), HasSubstr("{\"user\": "));
  EXPECT_EQ(objects[3]["rejected_line"], 4);
}

TEST_F(RejectedFileTest, BesideJsonRowsOfCsvAreObjectsToo) {
  const std::string text = Written({{"a.csv", false, {"user", "", "note"}}, {"b.jsonl", true, {}}},
                                   {{0, 2, "r", "m", "17,pad,\"say \"\"hi\"\"\""}});
  const Json row = Json::parse(text);
  EXPECT_EQ(row["user"], "17");
  EXPECT_EQ(row["note"], "say \"hi\"");
  EXPECT_EQ(row["rejected_file"], "a.csv");
}

TEST_F(RejectedFileTest, WhatIsNotClosedLeavesNothing) {
  { ASSERT_TRUE(RejectedFile::Create(path_, {{"a.csv", false, {"user"}}}).ok()); }
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
}

TEST_F(RejectedFileTest, WhatIsThereIsNotOverwritten) {
  Written({{"a.csv", false, {"user"}}}, {{0, 2, "r", "m", "1"}});
  EXPECT_EQ(RejectedFile::Create(path_, {{"a.csv", false, {"user"}}}).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(RejectedFileTest, AFullDiskIsTold) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  std::filesystem::create_symlink("/dev/full", path_ + ".partial");
  auto file = RejectedFile::Create(path_, {{"a.csv", false, {"user"}}});
  ASSERT_TRUE(file.ok()) << file.status();
  (*file)->Add({0, 2, "r", "m", "1"});
  EXPECT_FALSE((*file)->Close().ok());
  file->reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_FALSE(std::filesystem::is_symlink(path_ + ".partial"));
}

}  // namespace
}  // namespace polyscene::cli
