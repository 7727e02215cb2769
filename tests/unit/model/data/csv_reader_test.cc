#include "model/data/csv_reader.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/model/data/data_test_util.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// All that a file has: rows as "line:a|b", bad lines as "line:problem".
struct Content {
  std::vector<std::string> rows;
  std::vector<std::string> bad;
  absl::Status status;
};

Content ReadAll(CsvReader& reader) {
  Content content;
  for (;;) {
    switch (reader.Next()) {
      case CsvReader::Outcome::kRow:
        content.rows.push_back(absl::StrCat(reader.line(), ":", absl::StrJoin(reader.fields(), "|")));
        break;
      case CsvReader::Outcome::kBadLine:
        content.bad.push_back(absl::StrCat(reader.line(), ":", reader.problem()));
        break;
      case CsvReader::Outcome::kIdle:
        ADD_FAILURE() << "a text in memory makes nobody wait";
        return content;
      case CsvReader::Outcome::kEnd:
        content.status = reader.status();
        return content;
    }
  }
}

Content Read(const std::string& text, RowOptions options = {}) {
  auto reader = CsvReader::FromText("test.csv", text, options);
  EXPECT_TRUE(reader.ok()) << reader.status();
  if (!reader.ok()) return {};
  return ReadAll(**reader);
}

std::string OpenError(const std::string& text) {
  const auto reader = CsvReader::FromText("test.csv", text);
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(reader.status().message());
}

TEST(CsvReaderTest, SplitsLinesAtCommas) {
  EXPECT_THAT(Read("a,b,c\n1,,3\n4,5,\n").rows, ElementsAre("2:1||3", "3:4|5|"));
}

TEST(CsvReaderTest, TheLastLineNeedsNoLineBreak) { EXPECT_THAT(Read("a,b\n1,2").rows, ElementsAre("2:1|2")); }

TEST(CsvReaderTest, CarriageReturnsEndLinesToo) {
  EXPECT_THAT(Read("a,b\r\n1,2\r\n\"3\",\"4\"\r\n").rows, ElementsAre("2:1|2", "3:3|4"));
}

TEST(CsvReaderTest, AByteOrderMarkIsNoPartOfTheFirstColumn) {
  const auto reader = CsvReader::FromText("test.csv",
                                          "\xEF\xBB\xBF"
                                          "a,b\n1,2\n");
  ASSERT_TRUE(reader.ok());
  EXPECT_THAT((*reader)->header(), ElementsAre("a", "b"));
}

TEST(CsvReaderTest, QuotedFieldsHoldCommasQuotesAndLineBreaks) {
  EXPECT_THAT(Read("a,b\n\"x,y\",2\n\"say \"\"hi\"\"\",\"\"\n\"two\nlines\",4\n5,6\n").rows,
              ElementsAre("2:x,y|2", "3:say \"hi\"|", "4:two\nlines|4", "6:5|6"));
}

TEST(CsvReaderTest, BlankLinesAreNotRows) { EXPECT_THAT(Read("a,b\n\n1,2\n\r\n\n").rows, ElementsAre("3:1|2")); }

TEST(CsvReaderTest, InAFileOfOneColumnABlankLineIsAnEmptyField) {
  EXPECT_THAT(Read("a\n1\n\n2\n").rows, ElementsAre("2:1", "3:", "4:2"));
}

TEST(CsvReaderTest, ALineWithTooFewOrTooManyFieldsIsBadAndTheNextIsRead) {
  const Content content = Read("a,b\n1\n1,2,3\n1,2\n");
  EXPECT_THAT(content.bad, ElementsAre("2:field_count", "3:field_count"));
  EXPECT_THAT(content.rows, ElementsAre("4:1|2"));
  EXPECT_TRUE(content.status.ok());
}

TEST(CsvReaderTest, ABadLineSaysHowManyFieldsItHasAndHowManyAreExpected) {
  auto reader = CsvReader::FromText("test.csv", "a,b,c\n1,2\n");
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->Next(), CsvReader::Outcome::kBadLine);
  EXPECT_EQ((*reader)->message(), "has 2 fields, expected 3 as the header has");
}

TEST(CsvReaderTest, BrokenQuotesCostTheirLineOnly) {
  const Content content = Read("a,b\n\"x\"y,2\n1,z\"z\n\"open,2\n3,4\n5,6\n");
  EXPECT_THAT(content.bad, ElementsAre("2:broken_quotes", "3:broken_quotes", "4:broken_quotes"));
  EXPECT_THAT(content.rows, ElementsAre("5:3|4", "6:5|6"));
}

TEST(CsvReaderTest, AStrayQuoteThatAnotherClosesTakesNoGoodLineWithIt) {
  // Lines 2 to 4 read as one row of a single field; what lies between them is sound.
  const Content content = Read("a,b\n\"1,2\n\"\"3\"\",4\n5,6\"\n7,8\n");
  EXPECT_THAT(content.bad, ElementsAre("2:field_count", "3:broken_quotes", "4:broken_quotes"));
  EXPECT_THAT(content.rows, ElementsAre("5:7|8"));
}

TEST(CsvReaderTest, BinaryJunkIsABadLine) {
  const Content content = Read(std::string("a,b\n1,2\n\x01\x00\xFF\x00,\x02\n3,4\n", 18));
  EXPECT_THAT(content.bad, ElementsAre("3:binary"));
  EXPECT_THAT(content.rows, ElementsAre("2:1|2", "4:3|4"));
}

TEST(CsvReaderTest, AnOverlongLineIsSkippedWhole) {
  RowOptions options;
  options.max_row_bytes = 16;
  const Content content = Read("a,b\n1,2\n" + std::string(1 << 20, 'x') + ",2\n3,4\n", options);
  EXPECT_THAT(content.bad, ElementsAre("3:too_long"));
  EXPECT_THAT(content.rows, ElementsAre("2:1|2", "4:3|4"));
}

TEST(CsvReaderTest, RowsThatStraddleTheBufferAreWhole) {
  const std::string field(1000, 'x');
  std::string text = "a,b\n";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&text, i, ",\"", field, "\n", field, "\"\n");

  auto reader = CsvReader::FromText("test.csv", Gzip(text));
  ASSERT_TRUE(reader.ok());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ((*reader)->Next(), CsvReader::Outcome::kRow);
    ASSERT_THAT((*reader)->fields(), ElementsAre(absl::StrCat(i), absl::StrCat(field, "\n", field)));
    ASSERT_EQ((*reader)->line(), 2 + 2 * i);
  }
  EXPECT_EQ((*reader)->Next(), CsvReader::Outcome::kEnd);
}

TEST(CsvReaderTest, AnEmptyFileIsAnError) {
  EXPECT_THAT(OpenError(""), HasSubstr("test.csv: the file is empty, expected a header line"));
}

TEST(CsvReaderTest, ARepeatedHeaderColumnIsAnErrorThatNamesIt) {
  EXPECT_THAT(OpenError("a,b,a,c,b\n"), HasSubstr("more than one column 'a', 'b'"));
}

TEST(CsvReaderTest, ABinaryHeaderIsAnError) {
  EXPECT_THAT(OpenError(std::string("PK\x03\x04\x00\x00\x08\n1,2\n", 12)), HasSubstr("NUL"));
}

TEST(CsvReaderTest, AHeaderAloneIsAFileWithoutRows) {
  const Content content = Read("a,b\n");
  EXPECT_THAT(content.rows, IsEmpty());
  EXPECT_TRUE(content.status.ok());
}

TEST(CsvReaderTest, GzipIsToldByItsFirstBytes) {
  EXPECT_THAT(Read(Gzip("a,b\n1,2\n")).rows, ElementsAre("2:1|2"));
  EXPECT_THAT(Read(Gzip("a,b\n1,2\n") + Gzip("3,4\n")).rows, ElementsAre("2:1|2", "3:3|4"));
}

// 20,000 rows as gzip, whose numbers do not compress away.
std::string LongGzip() {
  std::string text = "a,b\n";
  uint32_t state = 1;
  for (int i = 0; i < 20000; ++i) absl::StrAppend(&text, i, ",", state = state * 1664525u + 1013904223u, "\n");
  return Gzip(text);
}

TEST(CsvReaderTest, OfATruncatedGzipEveryWholeLineIsReadAndThenTheErrorNamesFileAndLine) {
  const std::string whole = LongGzip();
  const Content expected = Read(whole);
  ASSERT_EQ(expected.rows.size(), 20000u);

  const Content content = Read(whole.substr(0, whole.size() / 2));

  ASSERT_GT(content.rows.size(), 1000u);
  EXPECT_TRUE(std::equal(content.rows.begin(), content.rows.end(), expected.rows.begin()));
  EXPECT_THAT(content.bad, IsEmpty());
  EXPECT_EQ(content.status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(content.status.message()), HasSubstr("test.csv: the gzip data ends too early"));
  EXPECT_THAT(std::string(content.status.message()), HasSubstr(absl::StrCat("line ", content.rows.size() + 2, ",")));
}

TEST(CsvReaderTest, OfADamagedGzipTheLinesBeforeTheDamageAreRead) {
  std::string damaged = LongGzip();
  damaged.replace(damaged.size() / 2, 64, std::string(64, '\xFF'));

  const Content content = Read(damaged);

  EXPECT_GT(content.rows.size(), 1000u);
  EXPECT_LT(content.rows.size(), 20000u);
  EXPECT_EQ(content.status.code(), absl::StatusCode::kDataLoss);
}

TEST(CsvReaderTest, AGzipWithAWrongChecksumIsDataLossAfterItsLastLine) {
  std::string damaged = Gzip("a,b\n1,2\n");
  damaged[damaged.size() - 8] ^= 1;  // The first byte of the CRC.

  const Content content = Read(damaged);

  EXPECT_THAT(content.rows, ElementsAre("2:1|2"));
  EXPECT_EQ(content.status.code(), absl::StatusCode::kDataLoss);
}

TEST(CsvReaderTest, AFileThatIsNotThereIsNotFound) {
  const auto reader = CsvReader::Open("/nonexistent/events.csv");
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("/nonexistent/events.csv"));
}

TEST(CsvReaderTest, AFolderIsNoFile) {
  EXPECT_EQ(CsvReader::Open(::testing::TempDir()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(CsvReaderTest, ReadsFilesFromDisk) {
  auto reader = CsvReader::Open(WriteFile("events.csv.gz", Gzip("a,b\n1,2\n")));
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_THAT(ReadAll(**reader).rows, ElementsAre("2:1|2"));
  EXPECT_EQ((*reader)->file_bytes_read(), (*reader)->file_bytes());
}

}  // namespace
}  // namespace polyscene
