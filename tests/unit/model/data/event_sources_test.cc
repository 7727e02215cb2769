// What EventReader reads from: several files, JSON lines, pipes, files of one scene.
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/data/event_reader.h"
#include "tests/unit/model/data/data_test_util.h"

namespace polyscene {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kModel[] = R"(
  name: "shop"
  features { name: "user" side: CONTEXT type: INT64 required: true }
  features { name: "price" side: CANDIDATE type: FLOAT }
  features { name: "seen" side: CONTEXT type: STRING sequence {} }
  features { name: "bids" side: CONTEXT type: INT64 required: true }
  scenes { name: "search" tasks: "click" features: "user" features: "price" features: "seen" }
  scenes { name: "auction" tasks: "won" features: "bids" }
  tasks { name: "click" binary {} }
  tasks { name: "won" binary {} }
)";
constexpr char kTimes[] = R"(files { event_time_column: "at" })";

class EventSourcesTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<EventReader>> Open(const std::vector<std::string>& paths) {
    options_.on_rejected = [this](const RejectedLine& line) {
      rejected_.push_back(
          absl::StrCat(line.file, ":", line.line, ":", line.reason, line.is_row ? ":row:" : ":line:", line.text));
    };
    return EventReader::OpenFiles(paths, model_, options_);
  }

  // The rows' users in order, each batch in brackets.
  std::string Users(const std::vector<std::string>& paths) {
    batches_.clear();
    auto reader = Open(paths);
    EXPECT_TRUE(reader.ok()) << reader.status();
    std::string users;
    while (reader.ok()) {
      EventTable batch;
      const absl::StatusOr<bool> more = (*reader)->Next(&batch);
      status_ = more.status();
      if (!more.ok() || !*more) break;
      absl::StrAppend(&users, "[", absl::StrJoin(batch.View().features.Find("user")->ints, " "), "]");
      batches_.push_back(std::move(batch));
    }
    return users;
  }

  std::string OpenError(const std::vector<std::string>& paths) {
    const auto reader = Open(paths);
    EXPECT_EQ(reader.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(reader.status().message());
  }

  v1::ModelFile model_ = ParseModel(absl::StrCat(kModel, kTimes));
  EventReaderOptions options_;
  std::vector<std::string> rejected_;
  std::vector<EventTable> batches_;
  absl::Status status_;
};

TEST_F(EventSourcesTest, SeveralFilesAreMergedByEventTime) {
  options_.scene = "search";
  const std::string a = WriteFile("a.csv", "user,click,at\n1,0,100\n3,0,300\n5,0,500\n");
  const std::string b = WriteFile("b.csv", "at,user,click\n200,2,1\n400,4,1\n600,6,1\n");

  EXPECT_EQ(Users({a, b}), "[1 2 3 4 5 6]");
  EXPECT_THAT(batches_[0].files, ElementsAre(0, 1, 0, 1, 0, 1));
  EXPECT_THAT(batches_[0].lines, ElementsAre(2, 2, 3, 3, 4, 4));
  EXPECT_THAT(batches_[0].labels[0].values, ElementsAre(0, 1, 0, 1, 0, 1));
  EXPECT_EQ(Users({b, a}), "[1 2 3 4 5 6]");
}

TEST_F(EventSourcesTest, OfEqualTimesTheFirstFileGoesFirst) {
  options_.scene = "search";
  const std::string a = WriteFile("a.csv", "user,click,at\n1,0,100\n2,0,100\n");
  const std::string b = WriteFile("b.csv", "user,click,at\n3,0,100\n4,0,100\n");

  EXPECT_EQ(Users({a, b}), "[1 2 3 4]");
  EXPECT_EQ(Users({b, a}), "[3 4 1 2]");
}

TEST_F(EventSourcesTest, ARowWithoutATimeStaysBehindTheRowBeforeIt) {
  options_.scene = "search";
  const std::string a = WriteFile("a.csv", "user,click,at\n1,0,\n2,0,100\n3,0,\n4,0,300\n");
  const std::string b = WriteFile("b.csv", "user,click,at\n5,0,50\n6,0,200\n");

  EXPECT_EQ(Users({a, b}), "[1 5 2 3 6 4]");
}

TEST_F(EventSourcesTest, AFileKeepsItsOwnOrder) {
  options_.scene = "search";
  const std::string a = WriteFile("a.csv", "user,click,at\n1,0,300\n2,0,100\n3,0,400\n");
  const std::string b = WriteFile("b.csv", "user,click,at\n4,0,200\n5,0,350\n");

  EXPECT_EQ(Users({a, b}), "[4 1 2 5 3]");
}

TEST_F(EventSourcesTest, WithoutAColumnOfEventTimesFilesFollowEachOther) {
  model_ = ParseModel(kModel);
  options_.scene = "search";
  const std::string a = WriteFile("a.csv", "user,click\n1,0\n2,0\n");
  const std::string b = WriteFile("b.csv", "user,click\n3,0\n");
  const std::string c = WriteFile("c.csv", "user,click\n4,0\n5,0\n");

  EXPECT_EQ(Users({a, b, c}), "[1 2 3 4 5]");
}

TEST_F(EventSourcesTest, ManyFilesAreMergedAsASortWouldOrderThem) {
  options_.scene = "search";
  options_.batch_rows = options_.window_rows = 10'000;
  std::vector<std::pair<int, int>> expected;  // (time, user)
  std::vector<std::string> paths;
  int user = 0;
  for (int file = 0; file < 20; ++file) {
    std::string text = "user,click,at\n";
    for (int row = 0; row < 100; ++row) {
      const int time = row * 50 + (file * 7919 + row * 104729) % 50;
      absl::StrAppend(&text, ++user, ",0,", time, "\n");
      expected.emplace_back(time, user);
    }
    paths.push_back(WriteFile(absl::StrCat(file, ".csv"), text));
  }
  std::stable_sort(expected.begin(), expected.end(), [](auto& a, auto& b) { return a.first < b.first; });

  const std::string users =
      absl::StrJoin(expected, " ", [](std::string* out, const auto& row) { absl::StrAppend(out, row.second); });
  EXPECT_EQ(Users(paths), absl::StrCat("[", users, "]"));
}

TEST_F(EventSourcesTest, WhatOneFileLacksIsMissingInItsRows) {
  options_.scene = "search";
  const std::string a = WriteFile("a.csv", "user,price,click,at\n1,9.5,0,100\n");
  const std::string b = WriteFile("b.csv", "seen,user,click,at\nx|y,2,1,200\n");

  EXPECT_EQ(Users({a, b}), "[1 2]");
  const TableView features = batches_[0].features.View();
  EXPECT_THAT(features.Find("price")->missing, ElementsAre(1));
  EXPECT_THAT(features.Find("seen")->missing, ElementsAre(0));
  EXPECT_THAT(features.Find("seen")->lengths, ElementsAre(0, 2));
}

TEST_F(EventSourcesTest, RefusedLinesNameTheirFile) {
  options_.scene = "search";
  options_.rows.keep_text = true;
  const std::string a = WriteFile("a.csv", "user,click,at\nx,0,100\n1,0,100\n");
  const std::string b = WriteFile("b.csv", "user,click,at\n2,0,50\n3,\n\"4\",0,60\n");

  EXPECT_EQ(Users({a, b}), "[2 4 1]");
  EXPECT_THAT(rejected_, ElementsAre("1:3:field_count:line:3,", "0:2:wrong_type:row:x,0,100"));
  EXPECT_THAT(batches_[0].texts, ElementsAre("2,0,50", "\"4\",0,60", "1,0,100"));
}

TEST_F(EventSourcesTest, MistakesInAllHeadersAreToldAtOnce) {
  options_.scene = "search";
  const std::string a = WriteFile("a.csv", "usr,click,at\n");
  const std::string b = WriteFile("b.csv", "user,click\n");
  const std::string good = WriteFile("c.csv", "user,click,at\n");

  EXPECT_THAT(OpenError({a, good, b}), AllOf(HasSubstr("a.csv:1: "), HasSubstr("column 'user'"), HasSubstr("b.csv:1: "),
                                             HasSubstr("column 'at'"), Not(HasSubstr("c.csv"))));
}

TEST_F(EventSourcesTest, AFileThatCannotBeReadOnEndsAllOfThemWhereItStands) {
  options_.scene = "search";
  std::string text = "user,click,at\n";
  for (int row = 0; row < 20'000; ++row) absl::StrAppend(&text, row * 7919 % 100'003, ",0,", 100 + row, "\n");
  std::string gzip = Gzip(text);
  gzip.resize(gzip.size() / 2);
  const std::string cut = WriteFile("cut.csv.gz", gzip);
  const std::string later = WriteFile("later.csv", "user,click,at\n1,0,1\n2,0,1000000\n");

  const std::string users = Users({later, cut});

  EXPECT_EQ(status_.code(), absl::StatusCode::kDataLoss);
  int64_t rows = 0;
  for (const EventTable& batch : batches_) {
    rows += batch.rows();
    EXPECT_THAT(batch.event_times_micros, Not(::testing::Contains(1'000'000'000'000)));
  }
  EXPECT_GT(rows, 1000);
}

TEST_F(EventSourcesTest, AGivenSceneIsThatOfFilesWithoutTheColumnAlone) {
  options_.scene = "auction";
  const std::string own = WriteFile("own.csv", "scene,user,bids,click,won,at\nsearch,1,,0,,100\nauction,,2,,1,200\n");
  const std::string none = WriteFile("none.csv", "bids,won,at\n3,1,150\n");

  auto reader = Open({own, none});
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::vector<std::string> scenes;
  EventTable batch;
  while (*(*reader)->Next(&batch)) scenes.push_back(absl::StrCat(batch.scene, " ", batch.rows()));
  EXPECT_THAT(scenes, ElementsAre("search 1", "auction 2"));
  EXPECT_THAT(rejected_, IsEmpty());
}

TEST_F(EventSourcesTest, OfAFileOfOneSceneNothingIsAskedThatOtherScenesNeed) {
  const std::string file = WriteFile("a.csv", "user,click,at\n1,0,100\n");
  EXPECT_THAT(OpenError({file}), AllOf(HasSubstr("column 'scene'"), HasSubstr("column 'bids'")));
  options_.scene = "search";
  EXPECT_EQ(Users({file}), "[1]");
}

TEST_F(EventSourcesTest, ASceneThatIsNotInTheModelIsAnErrorThatListsThem) {
  options_.scene = "serach";
  EXPECT_THAT(OpenError({WriteFile("a.csv", "user,click,at\n")}),
              HasSubstr("scene 'serach' is not in the model, expected one of search, auction"));
}

TEST_F(EventSourcesTest, JsonLinesAndCsvAreMergedToo) {
  options_.scene = "search";
  const std::string json = WriteFile("a.jsonl",
                                     "{\"user\": 1, \"click\": true, \"at\": 100, \"seen\": [\"a|b\", \"c\"]}\n"
                                     "{\"user\": \"3\", \"at\": \"1970-01-01T00:05:00\"}\n");
  const std::string csv = WriteFile("b.csv", "user,click,at,price\n2,0,200,7\n");

  EXPECT_EQ(Users({json, csv}), "[1 2 3]");
  EXPECT_THAT(batches_[0].labels[0].missing, ElementsAre(2));
  const TableView features = batches_[0].features.View();
  EXPECT_THAT(features.Find("seen")->lengths, ElementsAre(2, 0, 0));
  EXPECT_THAT(features.Find("seen")->strings, ElementsAre("a|b", "c"));
}

TEST_F(EventSourcesTest, AJsonRowSaysItsSceneOrIsOfTheGivenOne) {
  const std::string file = WriteFile("a.jsonl",
                                     "{\"user\": 1, \"click\": 1}\n{\"scene\": \"auction\", \"bids\": 2}\n"
                                     "{\"scene\": \"serach\", \"user\": 3}\n");
  auto reader = Open({file});
  ASSERT_TRUE(reader.ok());
  EventTable batch;
  EXPECT_TRUE(*(*reader)->Next(&batch));
  EXPECT_EQ(batch.scene, "auction");
  EXPECT_FALSE(*(*reader)->Next(&batch));
  EXPECT_THAT(rejected_, ElementsAre("0:1:unknown_scene:row:", "0:3:unknown_scene:row:"));

  options_.scene = "search";
  rejected_.clear();
  reader = Open({file});
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(*(*reader)->Next(&batch));
  EXPECT_EQ(batch.scene, "search");
  EXPECT_THAT(rejected_, ElementsAre("0:3:unknown_scene:row:"));
}

TEST_F(EventSourcesTest, ValuesOfJsonAreCheckedAsThoseOfCsv) {
  options_.scene = "search";
  const std::string file = WriteFile("a.jsonl",
                                     "{\"user\": 1.5}\n{\"user\": \"x\"}\n{\"click\": 1}\n{\"user\": 29.0}\n"
                                     "{\"user\": 1, \"at\": 1.5}\n{\"user\": 2, \"click\": \"yes\"}\n");
  EXPECT_EQ(Users({file}), "[29]");
  EXPECT_THAT(rejected_, ElementsAre("0:1:wrong_type:row:", "0:2:wrong_type:row:", "0:3:missing_value:row:",
                                     "0:5:wrong_type:row:", "0:6:wrong_type:row:"));
}

TEST_F(EventSourcesTest, AJsonArrayIsRefusedWithAWayOut) {
  EXPECT_THAT(OpenError({WriteFile("a.json", "[{\"user\": 1}]")}),
              AllOf(HasSubstr("begins with '['"), HasSubstr("jq -c")));
}

TEST_F(EventSourcesTest, AnEmptyFileIsAnErrorThatNamesIt) {
  EXPECT_THAT(OpenError({WriteFile("a.csv", "")}), HasSubstr("a.csv: the file is empty"));
}

// Standard input is a pipe that the test writes, and what it writes is read without waiting for the pipe's end.
class PipeTest : public EventSourcesTest {
 protected:
  PipeTest() {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    saved_ = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    write_end_ = ends[1];
    options_.scene = "search";
    options_.longest_wait = absl::Milliseconds(1);
  }
  ~PipeTest() override {
    Close();
    dup2(saved_, STDIN_FILENO);
    close(saved_);
  }
  void Write(const std::string& text) {
    ASSERT_EQ(write(write_end_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void Close() {
    if (write_end_ >= 0) close(write_end_);
    write_end_ = -1;
  }
  std::string NextUsers(EventReader& reader) {
    EventTable batch;
    const absl::StatusOr<bool> more = reader.Next(&batch);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return "end";
    return absl::StrJoin(batch.View().features.Find("user")->ints, " ");
  }

  int saved_ = -1;
  int write_end_ = -1;
};

TEST_F(PipeTest, WhatIsThereIsReturnedBeforeTheWindowIsFull) {
  Write("user,click,at\n1,0,100\n2,0,200\n");
  auto reader = Open({"-"});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(NextUsers(**reader), "1 2");
  Write("3,0,300\n");
  EXPECT_EQ(NextUsers(**reader), "3");
  Close();
  EXPECT_EQ(NextUsers(**reader), "end");
}

TEST_F(PipeTest, ALineThatHasComeInPartIsWaitedForWhileTheRowsBeforeItGoOn) {
  Write("user,click,at\n1,0,100\n2,");
  auto reader = Open({"-"});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(NextUsers(**reader), "1");
  Write("0,200\n\"3\",\"");
  EXPECT_EQ(NextUsers(**reader), "2");
  Write("0\",300\n");
  EXPECT_EQ(NextUsers(**reader), "3");
  EXPECT_THAT(rejected_, IsEmpty());
}

TEST_F(PipeTest, JsonLinesComeAsPromptly) {
  Write("{\"user\": 1}\n{\"us");
  auto reader = Open({"-"});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(NextUsers(**reader), "1");
  Write("er\": 2}\n");
  EXPECT_EQ(NextUsers(**reader), "2");
  Write("{\"user\": 3}");
  Close();
  EXPECT_EQ(NextUsers(**reader), "3");
  EXPECT_EQ(NextUsers(**reader), "end");
}

TEST_F(PipeTest, AGzipPipeGivesWhatCanBeInflated) {
  const std::string first = Gzip("user,click,at\n1,0,100\n"), second = Gzip("2,0,200\n");
  Write(first + second.substr(0, 12));
  auto reader = Open({"-"});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(NextUsers(**reader), "1");
  Write(second.substr(12));
  EXPECT_EQ(NextUsers(**reader), "2");
}

TEST_F(PipeTest, AnOverlongLineMayComeInParts) {
  options_.rows.max_row_bytes = 100;
  Write("user,click,at\n1,0,100\n" + std::string(500, 'x'));
  auto reader = Open({"-"});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(NextUsers(**reader), "1");
  Write(std::string(500, 'x') + "\n2,0,200\n");
  EXPECT_EQ(NextUsers(**reader), "2");
  EXPECT_THAT(rejected_, ElementsAre("0:3:too_long:line:"));
}

TEST_F(PipeTest, ASilentPipeIsLeftOnceAsked) {
  bool stop = false;
  options_.stop = [&stop] { return stop; };
  Write("user,click,at\n1,0,100\n");
  auto reader = Open({"-"});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(NextUsers(**reader), "1");
  stop = true;
  EXPECT_EQ(NextUsers(**reader), "end");
}

}  // namespace
}  // namespace polyscene
