#include "model/report/line_chart.h"

#include <cmath>
#include <limits>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pointwise;

void ExpectMarks(const AxisTicks& ticks, const std::vector<double>& marks) {
  EXPECT_THAT(ticks.marks, Pointwise(DoubleNear(1e-9), marks));
}

TEST(ChooseTicksTest, MarksAreRoundNumbersThatCoverTheValues) {
  ExpectMarks(ChooseTicks(0, 4), {0, 1, 2, 3, 4});
  ExpectMarks(ChooseTicks(0.613, 0.681), {0.6, 0.62, 0.64, 0.66, 0.68, 0.7});
  ExpectMarks(ChooseTicks(-30, 100), {-50, 0, 50, 100});
  EXPECT_LE(ChooseTicks(-30, 100).low, -30);
}

TEST(ChooseTicksTest, EveryRangeHasAFewMarksAndHoldsItsValues) {
  for (const double low : {-1e6, -3.7, 0.0, 1e-9, 0.25, 17.0}) {
    for (const double width : {1e-9, 0.013, 0.5, 1.0, 7.0, 9.99, 12345.0}) {
      const AxisTicks ticks = ChooseTicks(low, low + width);
      EXPECT_GE(ticks.marks.size(), 3u) << low << " " << width;
      EXPECT_LE(ticks.marks.size(), 7u) << low << " " << width;
      EXPECT_LE(ticks.low, low);
      EXPECT_GE(ticks.high, low + width);
    }
  }
}

TEST(ChooseTicksTest, OneValueHasRoomAroundIt) {
  const AxisTicks ticks = ChooseTicks(0.5, 0.5);
  EXPECT_LT(ticks.low, 0.5);
  EXPECT_GT(ticks.high, 0.5);
  EXPECT_LT(ChooseTicks(0, 0).low, ChooseTicks(0, 0).high);
}

TEST(RenderChartTest, ALineGoesThroughItsPoints) {
  // The picture's axes are from 44 to 312 across and from 166 up to 8.
  const std::string html = RenderChart({"loss", "epochs", {{"train", {{0, 0}, {1, 4}, {2, 2}}}}});
  EXPECT_THAT(html, HasSubstr("d=\"M44.0 166.0L178.0 8.0L312.0 87.0\""));
  EXPECT_THAT(html, HasSubstr(">epochs</text>"));
  EXPECT_THAT(html, HasSubstr("train</span>"));
}

TEST(RenderChartTest, WhatIsNotFiniteIsAGap) {
  const std::string html = RenderChart({"loss", "epochs", {{"", {{0, 0}, {1, NAN}, {2, 4}, {3, 4}}}}});
  EXPECT_THAT(html, HasSubstr("d=\"M44.0 166.0M"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(RenderChartTest, ASinglePointIsADot) {
  EXPECT_THAT(RenderChart({"loss", "epochs", {{"", {{1, 0.5}}}}}), HasSubstr("<circle"));
}

TEST(RenderChartTest, WithoutAPointThereIsNoPicture) {
  EXPECT_EQ(RenderChart({"loss", "epochs", {{"train", {}}, {"test", {{1, NAN}}}}}), "");
}

TEST(RenderChartTest, NamesAreEscaped) {
  const std::string html = RenderChart({"<t>", "<x>", {{"<n>", {{1, 0.5}}, true}}});
  EXPECT_THAT(html, Not(testing::ContainsRegex("<(t|x|n)>")));
  EXPECT_THAT(html, HasSubstr("aria-label=\"&lt;t&gt;\""));
}

TEST(RenderChartTest, ProbabilitiesHaveTheWholeSquareAndItsDiagonal) {
  LineChart chart{"click", "predicted", {{"", {{0.5, 0.5}, {0.75, 0.5}}}}};
  chart.unit_square = true;
  EXPECT_THAT(RenderChart(chart),
              testing::AllOf(HasSubstr("M178.0 87.0L245.0 87.0"), HasSubstr("M44.0 166.0L312.0 8.0")));
}

}  // namespace
}  // namespace polyscene
