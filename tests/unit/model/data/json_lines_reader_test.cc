// JSON lines as rows: which key fills which column, what a value is as text, and what is refused.
#include "model/data/json_lines_reader.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/model/data/data_test_util.h"

namespace polyscene {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kModel[] = R"(
  features { name: "user" side: CONTEXT type: INT64 }
  features { name: "price" side: CANDIDATE type: FLOAT column: "item_price" }
  features { name: "seen" side: CONTEXT type: STRING sequence {} }
  scenes { name: "search" tasks: "click" tasks: "demand" }
  tasks { name: "click" binary {} }
  tasks { name: "demand" forecast { horizon: 2 } }
)";

class JsonLinesReaderTest : public ::testing::Test {
 protected:
  // Rows as "line:user|item_price|seen|click|demand_1|demand_2|scene", list marks as ^; bad lines as
  // "line:problem:message".
  void Read(const std::string& text, RowOptions options = {}) {
    auto lines = LineBuffer::FromText("test.jsonl", text, options.max_row_bytes);
    ASSERT_TRUE(lines.ok());
    reader_ = std::make_unique<JsonLinesReader>(*std::move(lines), JsonLayout::Of(ParseModel(kModel)), options);
    rows_.clear();
    bad_.clear();
    for (;;) {
      const RowSource::Outcome outcome = reader_->Next();
      if (outcome == RowSource::Outcome::kEnd) break;
      if (outcome == RowSource::Outcome::kRow) {
        const std::string row = absl::StrCat(reader_->line(), ":", absl::StrJoin(reader_->fields(), "|"));
        rows_.push_back(absl::StrReplaceAll(row, {{absl::string_view("\0", 1), "^"}}));
      } else {
        bad_.push_back(absl::StrCat(reader_->line(), ":", reader_->problem(), ":", reader_->message()));
      }
      if (options.keep_text) texts_.push_back(reader_->text());
    }
    EXPECT_TRUE(reader_->status().ok()) << reader_->status();
  }

  std::unique_ptr<JsonLinesReader> reader_;
  std::vector<std::string> rows_;
  std::vector<std::string> bad_;
  std::vector<std::string> texts_;
};

TEST_F(JsonLinesReaderTest, KeysAreColumnsInAnyOrder) {
  Read(R"({"user": 17, "item_price": 9.50, "click": 1, "scene": "search"})"
       "\n"
       R"({"scene": "search", "click": 0, "user": -4})"
       "\n");
  EXPECT_THAT(rows_, ElementsAre("1:17|9.50||1|||search", "2:-4|||0|||search"));
}

TEST_F(JsonLinesReaderTest, AFeatureMayBeCalledByItsNameInsteadOfItsColumn) {
  Read(R"({"price": 3})");
  EXPECT_THAT(rows_, ElementsAre("1:|3|||||"));
}

TEST_F(JsonLinesReaderTest, TextsAndBooleansAreValuesAndNullIsNone) {
  Read(R"({"user": "29", "click": true, "item_price": null})"
       "\n"
       R"({"user": "", "click": false})");
  EXPECT_THAT(rows_, ElementsAre("1:29|||1|||", "2:|||0|||"));
}

TEST_F(JsonLinesReaderTest, EscapesStandForTheirCharacters) {
  Read(R"({"scene": "a\"b\\c\u00e9\ud83d\ude00\n"})");
  EXPECT_THAT(rows_, ElementsAre("1:||||||a\"b\\c\xC3\xA9\xF0\x9F\x98\x80\n"));
}

TEST_F(JsonLinesReaderTest, AnArrayIsASequenceAndNothingSplitsItsElements) {
  Read(R"({"seen": ["a|b", "", 3]})"
       "\n"
       R"({"seen": []})"
       "\n"
       R"({"seen": "x|y"})");
  EXPECT_THAT(rows_, ElementsAre("1:||^a|b^^3^||||", "2:||^||||", "3:||x|y||||"));
}

TEST_F(JsonLinesReaderTest, AnArrayUnderItsTaskIsAForecast) {
  Read(R"({"demand": [1, null]})"
       "\n"
       R"({"demand_1": 1, "demand_2": 2})"
       "\n"
       R"({"demand": null, "user": 1})");
  EXPECT_THAT(rows_, ElementsAre("1:||||1||", "2:||||1|2|", "3:1||||||"));
}

TEST_F(JsonLinesReaderTest, UnknownKeysArePassedOverWhateverTheyHold) {
  Read(R"({"x": {"user": [1, {"user": 2}]}, "y": [[]], "user": 5, "z": {"click": 1}})");
  EXPECT_THAT(rows_, ElementsAre("1:5||||||"));
}

TEST_F(JsonLinesReaderTest, NumbersThatNeedAllDigitsKeepThem) {
  Read(R"({"user": 9223372036854775807, "click": 18446744073709551615, "scene": 123456789012345678901234567890})");
  EXPECT_THAT(rows_, ElementsAre("1:9223372036854775807|||18446744073709551615|||123456789012345678901234567890"));
}

TEST_F(JsonLinesReaderTest, ABrokenLineCostsItselfOnlyAndSaysWhatIsWrong) {
  Read("{\"user\": 1}\n{\"user\": nan}\n{\"user\": 2\n17\n[1]\n{} {}\n\n{\"user\": 3}\n");
  EXPECT_THAT(rows_, ElementsAre("1:1||||||", "8:3||||||"));
  EXPECT_THAT(bad_, ElementsAre(AllOf(StartsWith("2:broken_json:not valid JSON: "), HasSubstr("invalid literal")),
                                StartsWith("3:broken_json:not valid JSON: "),
                                "4:broken_json:got a number, expected one object a line",
                                "5:broken_json:got an array, expected one object a line",
                                StartsWith("6:broken_json:not valid JSON: ")));
}

TEST_F(JsonLinesReaderTest, AValueThatFitsNoColumnIsRefusedWithItsKey) {
  Read(
      "{\"user\": [1]}\n{\"user\": {}}\n{\"seen\": [[1]]}\n{\"seen\": [null]}\n{\"demand\": 1}\n{\"demand\": [1]}\n"
      "{\"demand\": [1, 2, 3]}\n");
  EXPECT_THAT(rows_, IsEmpty());
  EXPECT_THAT(bad_,
              ElementsAre("1:wrong_type:key 'user': got an array, expected a number, a text, true, false or null",
                          "2:wrong_type:key 'user': got an object, expected a number, a text, true, false or null",
                          "3:wrong_type:key 'seen': got an array, expected a value or an array of values",
                          "4:wrong_type:key 'seen': got null within an array, expected a value or an array of values",
                          HasSubstr("key 'demand': got a number"), HasSubstr("key 'demand': got a shorter array"),
                          HasSubstr("key 'demand': got a longer array")));
}

TEST_F(JsonLinesReaderTest, TwoKeysForOneColumnAreRefused) {
  Read("{\"user\": 1, \"user\": 2}\n{\"price\": 1, \"item_price\": 2}\n{\"demand\": [1, 2], \"demand_2\": 3}\n");
  EXPECT_THAT(rows_, IsEmpty());
  EXPECT_THAT(bad_, ElementsAre(StartsWith("1:repeated_key:key 'user'"), StartsWith("2:repeated_key:key 'item_price'"),
                                StartsWith("3:repeated_key:key 'demand_2'")));
}

TEST_F(JsonLinesReaderTest, AnObjectOfOtherKeysIsNoRowOfMissingValues) {
  Read("{\"usr\": 1}\n{}\n");
  EXPECT_THAT(bad_, ElementsAre(StartsWith("1:no_columns:"), StartsWith("2:no_columns:")));
}

TEST_F(JsonLinesReaderTest, InvalidUtf8AndNulBytesAreRefused) {
  Read("{\"scene\": \"\xff\"}\n{\"scene\": \"a\\u0000b\"}\n{\"scene\": \"\\ud800\"}\n");
  EXPECT_THAT(rows_, IsEmpty());
  EXPECT_THAT(bad_, ElementsAre(StartsWith("1:broken_json:"), StartsWith("2:binary:"), StartsWith("3:broken_json:")));
}

TEST_F(JsonLinesReaderTest, AnOverlongLineIsSkippedAndTheNextIsRead) {
  RowOptions options;
  options.max_row_bytes = 100;
  Read(absl::StrCat("{\"user\": 1}\n{\"user\": \"", std::string(1'000'000, 'x'), "\"}\n{\"user\": 3}\n"), options);
  EXPECT_THAT(rows_, ElementsAre("1:1||||||", "3:3||||||"));
  EXPECT_THAT(bad_, ElementsAre("2:too_long:is longer than 100 bytes"));
}

TEST_F(JsonLinesReaderTest, ByteOrderMarkCarriageReturnsAndTheLastLineWithoutABreakAreFine) {
  Read("\xEF\xBB\xBF{\"user\": 1}\r\n  \r\n{\"user\": 2}");
  EXPECT_THAT(rows_, ElementsAre("1:1||||||", "3:2||||||"));
  EXPECT_THAT(bad_, IsEmpty());
}

TEST_F(JsonLinesReaderTest, KnowsWhichColumnsItHasSeen) {
  Read("{\"user\": 1}\n{\"click\": null}\n");
  EXPECT_TRUE(reader_->HasColumn(0));
  EXPECT_FALSE(reader_->HasColumn(1));
  EXPECT_TRUE(reader_->HasColumn(3));
}

TEST_F(JsonLinesReaderTest, KeepsTheTextOfRowsAndBadLines) {
  RowOptions options;
  options.keep_text = true;
  Read("{\"user\":  1}\r\n{oops\n", options);
  EXPECT_THAT(texts_, ElementsAre("{\"user\":  1}", "{oops"));
}

}  // namespace
}  // namespace polyscene
