#include "model/report/html_report.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Markup in every text that comes from files or the command line.
constexpr char kHostile[] = "</pre></details><script>alert(1)</script>\"'&<img src=x onerror=alert(2)>\xFF";

ReportedModel Model(const std::string& task) {
  ReportedModel model;
  model.path = model.label = model.name = model.text = model.fingerprint = task;
  model.losses = {{"joint", {{0.5, 2}, {1, 1}}, {{1, 1.5}}}, {task, {{0.5, 1}}, {{1, 0.9}}}};
  model.evaluations = {{1, {{task, task, "auc", 0.6, 10}, {"*", task, "auc", 0.61, 10}}},
                       {2, {{task, task, "auc", 0.7, 10}, {"*", task, "auc", 0.71, 10}}}};
  model.reliability = {{task, {{0.2, 0.3, 5}, {0.7, 0.6, 5}}}};
  return model;
}

HtmlReport Page(const std::string& text) {
  HtmlReport report;
  report.title = report.subtitle = report.command = text;
  report.facts = {{text, text}};
  report.files = {{text, text, 2048}};
  report.refused = {text};
  report.refused_rows = 1;
  report.models = {Model(text)};
  return report;
}

HtmlReport ComparisonPage(const std::string& text) {
  HtmlReport report = Page(text);
  report.models.push_back(Model(text + "2"));
  for (const ReportedModel& model : report.models) {
    ComparedModel compared;
    compared.path = compared.label = compared.name = model.path;
    compared.runs.resize(1);
    compared.runs[0].figures = model.evaluations.back().second;
    compared.error = text;
    report.comparison.push_back(compared);
  }
  return report;
}

TEST(HtmlReportTest, HasWhatItWasGiven) {
  HtmlReport report = Page("shop");
  report.command = "polyscene-train --model shop";
  const std::string html = RenderReport(report);
  EXPECT_THAT(html, testing::StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(html, HasSubstr("<pre>polyscene-train --model shop</pre>"));
  EXPECT_THAT(html, HasSubstr("2.0 KiB"));
  EXPECT_THAT(html, HasSubstr("1 row was refused."));
  EXPECT_THAT(html, HasSubstr("0.71"));
  EXPECT_THAT(html, HasSubstr("<figcaption>joint</figcaption>"));
  EXPECT_THAT(html, HasSubstr("<figcaption>shop: auc</figcaption>"));
  EXPECT_THAT(html, HasSubstr("<h2>Reliability</h2>"));
}

TEST(HtmlReportTest, SectionsOfNothingAreLeftOut) {
  HtmlReport report;
  report.title = "empty";
  const std::string html = RenderReport(report);
  EXPECT_THAT(html, Not(HasSubstr("<h2>Loss</h2>")));
  EXPECT_THAT(html, Not(HasSubstr("<h2>Reliability</h2>")));
  EXPECT_THAT(html, HasSubstr("No row was refused."));
}

TEST(HtmlReportTest, ATaskWithAucIsShownByItAndNotByAccuracy) {
  HtmlReport report = Page("shop");
  report.models[0].evaluations = {{1,
                                   {{"*", "click", "accuracy", 0.9, 9},
                                    {"*", "click", "auc", 0.7, 9},
                                    {"*", "kind", "accuracy", 0.5, 9},
                                    {"*", "spend", "r2", 0.3, 9}}}};
  report.models[0].evaluations.push_back(report.models[0].evaluations[0]);
  const std::string html = RenderReport(report);
  EXPECT_THAT(html, HasSubstr("click: auc"));
  EXPECT_THAT(html, Not(HasSubstr("click: accuracy")));
  EXPECT_THAT(html, HasSubstr("kind: accuracy"));
  EXPECT_THAT(html, HasSubstr("spend: r2"));
}

TEST(HtmlReportTest, OneEvaluationIsNoCurve) {
  HtmlReport report = Page("shop");
  report.models[0].evaluations.resize(1);
  EXPECT_THAT(RenderReport(report), Not(HasSubstr("Evaluation after each epoch")));
}

TEST(HtmlReportTest, HostileNamesStayText) {
  for (const HtmlReport& report : {Page(kHostile), ComparisonPage(kHostile)}) {
    const std::string html = RenderReport(report);
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    EXPECT_THAT(html, Not(HasSubstr("<img")));
    EXPECT_THAT(html, Not(HasSubstr("\xFF")));
    EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;&lt;img"));
  }
}

TEST(HtmlReportTest, NothingIsFetchedFromElsewhere) {
  for (const HtmlReport& report : {Page("shop"), ComparisonPage("shop")}) {
    const std::string html = RenderReport(report);
    EXPECT_THAT(html, HasSubstr("default-src 'none'"));
    for (const char* fetch : {"http:", "https:", "url(", "@import", "src=", "href="}) {
      EXPECT_THAT(html, Not(HasSubstr(fetch)));
    }
  }
}

TEST(HtmlReportTest, ModelsAreComparedInOnePicture) {
  const std::string html = RenderReport(ComparisonPage("shop"));
  EXPECT_THAT(html, HasSubstr("Comparison on the test rows"));
  EXPECT_THAT(html, HasSubstr("shop2</span>"));
  EXPECT_THAT(html, HasSubstr("shop failed</h3>"));
  EXPECT_THAT(html, HasSubstr("<h2>Model files</h2>"));
}

}  // namespace
}  // namespace polyscene
