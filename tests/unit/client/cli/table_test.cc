// What people read: tables, numbers, progress, refusals.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "client/feed/progress.h"
#include "client/feed/rejections.h"
#include "client/status/status_json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/report/figure_table.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(TextTableTest, NumbersStandToTheRightAndWordsToTheLeft) {
  TextTable table({"name", "rows", "note"});
  table.AddRow({"a", "1,234", "x"});
  table.AddRow({"longer", "-", ""});

  EXPECT_EQ(table.Render(),
            "name     rows  note\n"
            "------  -----  ----\n"
            "a       1,234  x\n"
            "longer      -\n");
}

TEST(TextTableTest, WidthCountsCharactersNotBytes) {
  TextTable table({"city", "b"});
  table.AddRow({"M\xC3\xBCnchen", "x"});
  table.AddRow({"Hamburg", "y"});

  EXPECT_EQ(table.Render(),
            "city     b\n"
            "-------  -\n"
            "M\xC3\xBCnchen  x\n"
            "Hamburg  y\n");
}

TEST(NumbersTest, AreWrittenToBeRead) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(-1234567), "-1,234,567");
  EXPECT_EQ(Readable(0.65812), "0.6581");
  EXPECT_EQ(Readable(12.3456), "12.346");
  EXPECT_EQ(Readable(-123456.7), "-123457");
  EXPECT_EQ(Readable(0), "0.0000");
  EXPECT_EQ(Readable(1.5e-7), "1.500e-07");
  EXPECT_EQ(Readable(std::nan("")), "-");
  EXPECT_EQ(ReadableSeconds(3.04), "3.0 s");
  EXPECT_EQ(ReadableSeconds(125), "2 min 5 s");
  EXPECT_EQ(ReadableSeconds(7260), "2 h 1 min");
  EXPECT_EQ(ReadableBytes(512), "512 B");
  EXPECT_EQ(ReadableBytes(1536.0 * 1024 * 1024), "1.5 GiB");
}

TEST(EvaluationTableTest, HasALineASceneAndTaskWithAllScenesLast) {
  google::protobuf::RepeatedPtrField<v1::EvaluationFigure> figures;
  const auto add = [&](const char* scene, const char* task, const char* metric, double value, uint64_t rows) {
    v1::EvaluationFigure* const figure = figures.Add();
    figure->set_scene(scene);
    figure->set_task(task);
    figure->set_metric(metric);
    figure->set_value(value);
    figure->set_rows(rows);
  };
  add("*", "click", "auc", 0.75, 3000);
  add("search", "click", "auc", 0.7, 1000);
  add("search", "click", "log_loss", 0.5, 1000);
  add("search", "spend", "r2", std::nan(""), 1);
  add("feed", "click", "auc", 0.8, 2000);

  EXPECT_EQ(FigureTable(FiguresOf(figures)),
            "scene   task    rows     auc  log_loss  r2\n"
            "------  -----  -----  ------  --------  --\n"
            "search  click  1,000  0.7000    0.5000\n"
            "search  spend      1                     -\n"
            "feed    click  2,000  0.8000\n"
            "*       click  3,000  0.7500\n");
}

TEST(ProgressTest, TheBarShowsHowFarAndHowFast) {
  ProgressFigures figures;
  figures.sent = 1200;
  figures.acknowledged = 1100;
  figures.rejected = 2;
  figures.learned = 1000;
  figures.rate = 21'340;
  figures.fraction = 0.5;
  figures.eta_seconds = 4;

  EXPECT_EQ(RenderBar(figures, 10),
            "[#####.....] 50 %  1,200 sent  1,100 acknowledged  2 rejected  1,000 learned  21,340 rows/s  ETA 4.0 s");
  EXPECT_EQ(RenderLine(figures),
            "50 %, 1,200 rows sent, 1,100 acknowledged, 2 rejected, 1,000 learned, 21,340 rows/s, ETA 4.0 s");
}

TEST(ProgressTest, WhatIsNotKnownIsNotShownAndTroubleIs) {
  ProgressFigures figures;
  figures.trouble = "connection refused";

  EXPECT_EQ(RenderBar(figures, 10),
            "0 sent  0 acknowledged  0 rejected  0 learned  0 rows/s  reconnecting: connection refused");
}

TEST(ProgressTest, ATerminalsLastBarShowsTheFinalFigures) {
  std::ostringstream out;
  ProgressFigures figures;
  figures.sent = 7;
  ProgressPrinter printer({.terminal = true, .bar_interval = absl::Hours(1)}, out, [&] { return figures; });
  printer.Message("a message");
  printer.Stop();

  EXPECT_THAT(out.str(), HasSubstr("a message\n"));
  EXPECT_THAT(out.str(), HasSubstr("\r7 sent"));
}

TEST(RejectionsTest, TheFirstAreToldAndTheRestCounted) {
  std::vector<std::string> told;
  Rejections rejections(2, [&](const std::string& line) { told.push_back(line); });
  EXPECT_EQ(rejections.Summary(), "");
  rejections.Add("line 2", "wrong_type", "column 'a': got 'x'");
  rejections.Add("line 3", "wrong_type", "column 'a': got 'y'");
  rejections.Add("line 4", "field_count", "has 1 field");
  rejections.Add("line 5", "field_count", "has 1 field");
  rejections.AddUntold(10);

  EXPECT_THAT(told, ElementsAre("refused line 2: column 'a': got 'x' [wrong_type]",
                                "refused line 3: column 'a': got 'y' [wrong_type]", HasSubstr("only counted")));
  EXPECT_EQ(rejections.count(), 14);
  EXPECT_EQ(rejections.Summary(), "14 rows were refused: field_count 2, wrong_type 2, together with one of these 10");
}

}  // namespace
}  // namespace polyscene::cli
