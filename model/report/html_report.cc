#include "model/report/html_report.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "model/evaluation/metric.h"
#include "model/report/html.h"
#include "model/report/html_table.h"
#include "model/report/line_chart.h"
#include "model/report/report_style.h"
#include "model/report/text_table.h"

namespace polyscene {
namespace {

std::string Section(absl::string_view title, absl::string_view body) {
  return body.empty() ? "" : absl::StrCat("<h2>", EscapeHtml(title), "</h2>\n", body);
}

std::string Charts(absl::string_view charts) {
  return charts.empty() ? "" : absl::StrCat("<div class=\"charts\">\n", charts, "</div>\n");
}

std::string Facts(const HtmlReport& report) {
  std::string html = "<dl class=\"facts\">\n";
  for (const auto& [name, value] : report.facts) {
    absl::StrAppend(&html, "<div><dt>", EscapeHtml(name), "</dt><dd>", EscapeHtml(value), "</dd></div>\n");
  }
  return html + "</dl>\n";
}

// Of one model the training and the test loss; of several the test loss of each, or where that is no curve, the
// training's.
std::string LossCharts(const std::vector<ReportedModel>& models) {
  std::vector<std::string> names;
  for (const ReportedModel& model : models) {
    for (const LossCurves& curves : model.losses) {
      if (std::find(names.begin(), names.end(), curves.name) == names.end()) names.push_back(curves.name);
    }
  }
  std::string html;
  for (const std::string& name : names) {
    LineChart chart{name, "epochs"};
    for (const ReportedModel& model : models) {
      const auto curves = std::find_if(model.losses.begin(), model.losses.end(),
                                       [&name](const LossCurves& c) { return c.name == name; });
      const bool there = curves != model.losses.end();
      if (models.size() > 1) {
        const bool test = there && curves->test.size() > 1;
        chart.lines.push_back({model.label, !there ? Curve() : test ? curves->test : curves->train, /*dots=*/test});
      } else {
        chart.lines.push_back({"training rows", curves->train});
        chart.lines.push_back({"test rows", curves->test, /*dots=*/true, /*emphasized=*/true});
      }
    }
    html += RenderChart(chart);
  }
  return Charts(html);
}

// The metric that tells a task's quality best.
const char* const kMainMetrics[] = {"auc", "r2", "accuracy", "pinball"};

bool IsMain(const std::string& metric) {
  return std::find(std::begin(kMainMetrics), std::end(kMainMetrics), metric) != std::end(kMainMetrics);
}

// Task -> its main metric, in the order of the first model that has it.
std::vector<std::pair<std::string, std::string>> MainMetrics(const std::vector<ReportedModel>& models) {
  std::vector<std::pair<std::string, std::string>> mains;
  for (const ReportedModel& model : models) {
    if (model.evaluations.empty()) continue;
    for (const EvaluationFigure& figure : model.evaluations.back().second) {
      if (!IsMain(figure.metric)) continue;
      const auto same = [&figure](const auto& main) { return main.first == figure.task; };
      const auto main = std::find_if(mains.begin(), mains.end(), same);
      if (main == mains.end()) {
        mains.emplace_back(figure.task, figure.metric);
      } else if (figure.metric == "auc") {
        main->second = "auc";  // Accuracy came before.
      }
    }
  }
  return mains;
}

Curve CurveOf(const ReportedModel& model, absl::string_view scene, absl::string_view task, absl::string_view metric) {
  Curve curve;
  for (const auto& [epochs, figures] : model.evaluations) {
    for (const EvaluationFigure& figure : figures) {
      if (figure.scene == scene && figure.task == task && figure.metric == metric) {
        curve.emplace_back(epochs, figure.value);
      }
    }
  }
  return curve;
}

std::vector<std::string> ScenesOf(const ReportedModel& model, absl::string_view task) {
  std::vector<std::string> scenes;
  for (const EvaluationFigure& figure : model.evaluations.back().second) {
    if (figure.task == task && std::find(scenes.begin(), scenes.end(), figure.scene) == scenes.end()) {
      scenes.push_back(figure.scene);
    }
  }
  return scenes;
}

// A chart a task: of one model a line a scene, of several a line a model over all scenes.
std::string EvaluationCharts(const std::vector<ReportedModel>& models) {
  const auto curved = [](const ReportedModel& model) { return model.evaluations.size() > 1; };
  if (std::none_of(models.begin(), models.end(), curved)) return "";  // The tables have the only one.
  std::string html;
  for (const auto& [task, metric] : MainMetrics(models)) {
    LineChart chart{absl::StrCat(task, ": ", metric), "epochs"};
    if (models.size() > 1) {
      for (const ReportedModel& model : models) {
        chart.lines.push_back({model.label, CurveOf(model, "*", task, metric), /*dots=*/true});
      }
    } else {
      for (const std::string& scene : ScenesOf(models[0], task)) {
        const bool all = scene == "*";
        chart.lines.push_back({all ? "all scenes" : scene, CurveOf(models[0], scene, task, metric), true, all});
      }
    }
    html += RenderChart(chart);
  }
  return Charts(html);
}

std::string ReliabilityCharts(const std::vector<ReportedModel>& models) {
  std::map<std::string, LineChart> charts;
  std::vector<std::string> order;
  for (const ReportedModel& model : models) {
    for (const TaskReliability& task : model.reliability) {
      LineChart& chart = charts[task.task];
      if (chart.title.empty()) order.push_back(task.task);
      chart.title = task.task;
      chart.x_label = "predicted";
      chart.unit_square = true;
      ChartLine& line = chart.lines.emplace_back();
      line.name = models.size() > 1 ? model.label : "observed";
      line.dots = true;
      for (const ReliabilityBin& bin : task.bins) line.points.emplace_back(bin.predicted, bin.observed);
    }
  }
  std::string html;
  for (const std::string& task : order) html += RenderChart(charts[task]);
  if (html.empty()) return "";
  return absl::StrCat(
      "<p class=\"soft\">Test rows of all scenes in up to 15 groups of about equally many, by the "
      "predicted probability (across), and the share of them that came true (up). On the diagonal a "
      "prediction means what it says.</p>\n",
      Charts(html));
}

std::string Files(const HtmlReport& report) {
  HtmlTable table({"use", "file", "size"});
  for (const ReportedFile& file : report.files) {
    table.AddRow({{file.use},
                  {file.path, HtmlTable::kPath},
                  {file.bytes < 0 ? "" : ReadableBytes(static_cast<double>(file.bytes)), HtmlTable::kNumber}});
  }
  return absl::StrCat("<pre>", EscapeHtml(report.command), "</pre>\n", table.Render());
}

std::string Refused(const HtmlReport& report) {
  if (report.refused_rows == 0) return "<p>No row was refused.</p>\n";
  std::string html = absl::StrCat("<p>", WithThousands(report.refused_rows),
                                  report.refused_rows == 1 ? " row was" : " rows were", " refused.</p>\n<pre>");
  for (const std::string& line : report.refused) absl::StrAppend(&html, EscapeHtml(line), "\n");
  return html + "</pre>\n";
}

std::string ModelFiles(const std::vector<ReportedModel>& models) {
  std::string html;
  for (const ReportedModel& model : models) {
    absl::StrAppend(&html, "<details", models.size() == 1 ? " open" : "", "><summary class=\"path\">",
                    EscapeHtml(model.path));
    if (!model.fingerprint.empty()) absl::StrAppend(&html, ", fingerprint ", EscapeHtml(model.fingerprint));
    absl::StrAppend(&html, "</summary>\n<pre>", EscapeHtml(model.text), "</pre></details>\n");
  }
  return html;
}

std::string EvaluationOf(const HtmlReport& report) {
  if (!report.comparison.empty()) return ComparisonTables(report.comparison);
  if (report.models.empty() || report.models[0].evaluations.empty()) return "";
  return FigureTables(report.models[0].evaluations.back().second);
}

}  // namespace

std::string RenderReport(const HtmlReport& report) {
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
      EscapeHtml(report.title), "</title>\n<style>", kReportStyle, "</style>\n</head>\n<body>\n<h1>",
      EscapeHtml(report.title), "</h1>\n<p class=\"soft\">", EscapeHtml(report.subtitle), "</p>\n", Facts(report),
      Section(report.comparison.empty() ? "Evaluation of the test rows" : "Comparison on the test rows",
              EvaluationOf(report)),
      Section("Loss", LossCharts(report.models)),
      Section("Evaluation after each epoch", EvaluationCharts(report.models)),
      Section("Reliability", ReliabilityCharts(report.models)), Section("Command and files", Files(report)),
      Section("Refused rows", Refused(report)),
      Section(report.models.size() > 1 ? "Model files" : "Model file", ModelFiles(report.models)),
      "</body>\n</html>\n");
}

}  // namespace polyscene
