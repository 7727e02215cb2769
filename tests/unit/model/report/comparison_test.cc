#include "model/report/comparison.h"

#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ComparedRun OneRun(uint64_t seed, std::vector<EvaluationFigure> figures) {
  ComparedRun run;
  run.seed = seed;
  run.figures = std::move(figures);
  run.seconds = 2;
  run.rows_learned = 1000;
  run.table_rows = 10 * seed;
  run.test_loss = 0.5;
  run.peak_memory_bytes = static_cast<int64_t>(seed) << 20;
  return run;
}

// A is better by AUC, B by log loss; B alone has the task "buy".
std::vector<ComparedModel> Models() {
  ComparedModel a, b;
  a.path = "models/a.textproto";
  a.label = "a";
  a.parameters = 1234;
  a.runs = {OneRun(1, {{"shop", "click", "log_loss", 0.40, 90}, {"shop", "click", "auc", 0.70, 90}}),
            OneRun(2, {{"shop", "click", "log_loss", 0.42, 90}, {"shop", "click", "auc", 0.74, 90}})};
  b.path = "models/b.textproto";
  b.label = "b";
  b.runs = {OneRun(1, {{"shop", "click", "log_loss", 0.30, 90},
                       {"*", "click", "auc", 0.65, 90},
                       {"shop", "buy", "auc", 0.9, 40},
                       {"shop", "click", "auc", 0.65, 90}})};
  return {a, b};
}

TEST(ComparisonTest, TheDeviationIsTheSamples) {
  const MeanOverRuns three = OverRuns({1, 2, 6});
  EXPECT_DOUBLE_EQ(three.mean, 3);
  EXPECT_DOUBLE_EQ(three.deviation, std::sqrt(7));  // (4 + 1 + 9) / 2
  EXPECT_EQ(three.count, 3);
  EXPECT_DOUBLE_EQ(OverRuns({5}).mean, 5);
  EXPECT_TRUE(std::isnan(OverRuns({5}).deviation));
  EXPECT_EQ(OverRuns({}).count, 0);
}

TEST(ComparisonTest, FiguresComeBySceneTaskAndMetricWithTheBestMarked) {
  const std::vector<ComparedModel> models = Models();
  const std::vector<ComparedFigure> figures = CompareFigures(models);
  std::vector<std::string> names;
  for (const ComparedFigure& f : figures) names.push_back(f.scene + " " + f.task + " " + f.metric);
  EXPECT_THAT(names, ElementsAre("shop click auc", "shop click log_loss", "shop buy auc", "* click auc"));
  EXPECT_DOUBLE_EQ(figures[0].values[0].mean, 0.72);
  EXPECT_NEAR(figures[0].values[0].deviation, 0.04 / std::sqrt(2), 1e-12);
  EXPECT_THAT(figures[0].best, ElementsAre(true, false));
  EXPECT_THAT(figures[1].best, ElementsAre(false, true));
  EXPECT_THAT(figures[2].best, ElementsAre(false, false)) << "nobody is best alone";
  EXPECT_EQ(figures[2].values[0].count, 0);
}

TEST(ComparisonTest, TwoAtTheTopAreBothBest) {
  std::vector<ComparedModel> models(3);
  for (size_t m = 0; m < 3; ++m) models[m].runs = {OneRun(1, {{"shop", "click", "auc", m == 1 ? 0.6 : 0.7, 9}})};
  EXPECT_THAT(CompareFigures(models)[0].best, ElementsAre(true, false, true));
}

TEST(ComparisonTest, ANaNIsNeverBest) {
  std::vector<ComparedModel> models(2);
  models[0].runs = {OneRun(1, {{"shop", "click", "auc", NAN, 9}})};
  models[1].runs = {OneRun(1, {{"shop", "click", "auc", 0.7, 9}})};
  EXPECT_THAT(CompareFigures(models)[0].best, ElementsAre(false, false));
  EXPECT_EQ(ComparisonJson(models)["models"][0]["evaluation"][0]["value"], nullptr);
}

TEST(ComparisonTest, LabelsAreAsShortAsTheyCanBeToldApart) {
  EXPECT_THAT(ShortLabels({"x/a.textproto", "x/b.textproto"}), ElementsAre("a", "b"));
  EXPECT_THAT(ShortLabels({"x/a.textproto", "y/a.textproto"}), ElementsAre("x/a.textproto", "y/a.textproto"));
}

TEST(ComparisonTest, TheTextHasFiguresCostsAndFailures) {
  std::vector<ComparedModel> models = Models();
  models.emplace_back().path = "models/c.textproto";
  models.back().label = "c";
  models.back().error = "line 3 is wrong";
  const std::string text = ComparisonText(models);
  EXPECT_THAT(text, HasSubstr("scene  task   metric    rows  a                  b\n"));
  EXPECT_THAT(text, HasSubstr("shop   click  auc         90  0.7200 ± 0.0283 *  0.6500\n"));
  EXPECT_THAT(text, HasSubstr("shop   click  log_loss    90  0.4100 ± 0.0141    0.3000 *\n"));
  EXPECT_THAT(text, HasSubstr("a         2       1,234          15  2.0000 ± 0.0000     500  2.0 MiB"));
  EXPECT_THAT(text, HasSubstr("1 of 4\n"));
  EXPECT_THAT(text, HasSubstr("failed: models/c.textproto: line 3 is wrong\n"));
}

TEST(ComparisonTest, ADeviationIsWrittenToTheMeansLastDigit) {
  EXPECT_EQ(WithDeviation({0.38091, 0.0000931, 2}), "0.3809 ± 0.0001");
  EXPECT_EQ(WithDeviation({135.984, 0.3778, 2}), "135.98 ± 0.38");
  EXPECT_EQ(WithDeviation({0.5, NAN, 1}), "0.5000");
  EXPECT_EQ(WithDeviation({NAN, NAN, 0}), "");
}

TEST(ComparisonTest, AMistakeThatNamesItsFileIsNotToldWithItTwice) {
  std::vector<ComparedModel> models(1);
  models[0].path = "c.textproto";
  models[0].error = "c.textproto:3:1: no";
  EXPECT_THAT(ComparisonText(models), HasSubstr("failed: c.textproto:3:1: no\n"));
}

TEST(ComparisonTest, TheJsonHasMeansDeviationsAndEachRun) {
  const Json json = ComparisonJson(Models());
  const Json& a = json["models"][0];
  EXPECT_EQ(a["model"], "models/a.textproto");
  EXPECT_EQ(a["parameters"], 1234);
  EXPECT_EQ(a["peak_memory_bytes"], 2 << 20);
  EXPECT_EQ(a["table_rows"]["value"], 15);
  EXPECT_EQ(a["rows_per_second"]["value"], 500);
  EXPECT_EQ(a["evaluation"][0]["metric"], "auc");
  EXPECT_DOUBLE_EQ(a["evaluation"][0]["value"], 0.72);
  EXPECT_EQ(a["evaluation"][0]["runs"], 2);
  EXPECT_EQ(a["evaluation"][0]["best"], true);
  EXPECT_EQ(a["seeds"][1]["seed"], 2);
  EXPECT_EQ(a["seeds"][1]["evaluation"][1]["value"], 0.74);
  EXPECT_FALSE(a.contains("error"));
  EXPECT_EQ(json["models"][1]["test_loss"]["deviation"], nullptr) << "one run has none";
}

}  // namespace
}  // namespace polyscene
