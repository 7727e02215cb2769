// Lines, tables and the bytes that draw them.
#include "client/status/screen.h"

#include "client/status/fitted_table.h"
#include "client/status/styled_line.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> Texts(const std::vector<StyledLine>& lines) {
  std::vector<std::string> texts;
  for (const StyledLine& line : lines) texts.push_back(line.Text());
  return texts;
}

TEST(StyledLineTest, WidthCountsCharactersNotBytes) {
  EXPECT_EQ(StyledLine("▁▂▃").Add("abc").width(), 6);
  EXPECT_TRUE(StyledLine("").empty());
}

TEST(StyledLineTest, WhatIsCutEndsWithAnEllipsis) {
  const StyledLine line = StyledLine("learned ", Emphasis::kDim).Add("▁▂▃▄");
  EXPECT_EQ(line.CutTo(12, true).Text(), "learned ▁▂▃▄");
  EXPECT_EQ(line.CutTo(11, true).Text(), "learned ▁▂…");
  EXPECT_EQ(line.CutTo(5, false).Text(), "lear~");
  EXPECT_EQ(line.CutTo(1, true).Text(), "…");
  EXPECT_EQ(line.CutTo(0, true).Text(), "");
  EXPECT_EQ(line.CutTo(11, true).width(), 11);
}

TEST(StyledLineTest, EmphasisEndsWithItsPartAndGoesWithoutColor) {
  const StyledLine line = StyledLine("a").Add("b", Emphasis::kBad).Add("c");
  EXPECT_EQ(line.Ansi(true), "a\x1b[1;31mb\x1b[0mc");
  EXPECT_EQ(line.Ansi(false), "abc");
}

TEST(StyledLineTest, NothingFromTheWireSteersTheTerminal) {
  EXPECT_EQ(PrintableAscii("a\x1b[2Jb\nc\xC3\xA9\x7f"), "a?[2Jb c??");
}

std::vector<FittedColumn> Columns() {
  return {{.title = "scene", .cells = {"recommendation", "search"}},
          {.title = "rate", .right = true, .cells = {"1", "1,000"}},
          {.title = "rows", .right = true, .drop = 2, .cells = {"7", "8"}},
          {.title = "p99", .right = true, .drop = 1, .cells = {"1 ms", "-"}}};
}

TEST(FittedTableTest, ColumnsAreAlignedAndStandTwoApart) {
  EXPECT_THAT(Texts(FitTable(Columns(), 80, true)),
              ElementsAre("scene            rate  rows   p99",  //
                          "recommendation      1     7  1 ms",  //
                          "search          1,000     8     -"));
}

TEST(FittedTableTest, ColumnsGoBeforeALineIsTooWide) {
  EXPECT_THAT(Texts(FitTable(Columns(), 30, true)), ElementsAre("scene            rate   p99",  //
                                                                "recommendation      1  1 ms",  //
                                                                "search          1,000     -"));
  EXPECT_THAT(Texts(FitTable(Columns(), 22, true)), ElementsAre("scene            rate",  //
                                                                "recommendation      1",  //
                                                                "search          1,000"));
}

TEST(FittedTableTest, ThenNamesAreCutAndNumbersLast) {
  EXPECT_THAT(Texts(FitTable(Columns(), 14, true)), ElementsAre("scene     rate",  //
                                                                "recomm…      1",  //
                                                                "search   1,000"));
  for (int width = 1; width < 40; ++width) {
    for (const StyledLine& line : FitTable(Columns(), width, false)) EXPECT_LE(line.width(), width);
  }
}

TEST(ScreenTest, DrawingClearsWhatWasThereWithoutScrolling) {
  const std::string bytes = DrawScreen({StyledLine("ab"), StyledLine("cd")}, {10, 5}, false);
  EXPECT_EQ(bytes, "\x1b[Hab\x1b[K\r\ncd\x1b[K\r\n\x1b[J");
}

TEST(ScreenTest, AFullScreenEndsWithoutALineEndAndAFullLineIsNotCleared) {
  const std::string bytes = DrawScreen({StyledLine("abc"), StyledLine("def")}, {3, 2}, false);
  EXPECT_EQ(bytes, "\x1b[Habc\r\ndef");
}

TEST(ScreenTest, LeavingUndoesWhatEnteringDid) {
  for (const char* const mode : {"?1049", "?25", "?7"}) {
    EXPECT_THAT(EnterScreen(), HasSubstr(mode));
    EXPECT_THAT(LeaveScreen(), HasSubstr(mode));
  }
  EXPECT_THAT(LeaveScreen(), Not(HasSubstr("?25l")));
}

}  // namespace
}  // namespace polyscene::cli
