#include "model/report/html_table.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/report/figure_table.h"
#include "model/report/html.h"
#include "model/report/text_table.h"

namespace polyscene {
namespace {

HtmlTable::Cell Number(std::string text) { return {std::move(text), HtmlTable::kNumber}; }

std::string CostTable(absl::Span<const ComparedModel> models, absl::Span<const ComparedFigure> figures) {
  HtmlTable table({"model", "runs", "parameters", "table rows", "train seconds", "rows/s", "peak memory",
                   "weighted test loss", "best in"});
  for (size_t m = 0; m < models.size(); ++m) {
    const ComparedModel& model = models[m];
    if (model.runs.empty()) continue;
    const ModelCost cost = CostOf(model);
    table.AddRow({{model.label},
                  Number(absl::StrCat(model.runs.size())),
                  Number(WithThousands(model.parameters)),
                  Number(WithThousands(std::llround(cost.table_rows.mean))),
                  Number(WithDeviation(cost.seconds)),
                  Number(WithThousands(std::llround(cost.rows_per_second.mean))),
                  Number(cost.peak_memory_bytes > 0 ? ReadableBytes(static_cast<double>(cost.peak_memory_bytes)) : "-"),
                  Number(WithDeviation(cost.test_loss)),
                  Number(absl::StrCat(BestCount(figures, m), " of ", figures.size()))});
  }
  return table.Render();
}

std::string SceneTable(absl::Span<const ComparedModel> models, absl::Span<const ComparedFigure> figures,
                       const std::string& scene) {
  std::vector<std::string> header = {"task", "metric", "rows"};
  for (const ComparedModel& model : models) {
    if (!model.runs.empty()) header.push_back(model.label);
  }
  HtmlTable table(std::move(header));
  for (const ComparedFigure& figure : figures) {
    if (figure.scene != scene) continue;
    std::vector<HtmlTable::Cell> cells = {
        {figure.task}, {figure.metric}, Number(WithThousands(static_cast<long long>(figure.rows)))};
    for (size_t m = 0; m < models.size(); ++m) {
      if (models[m].runs.empty()) continue;
      cells.push_back({WithDeviation(figure.values[m]), figure.best[m] ? "number best" : HtmlTable::kNumber});
    }
    table.AddRow(std::move(cells));
  }
  return table.Render();
}

}  // namespace

std::string HtmlTable::Render() const {
  std::string html = "<div class=\"wide\"><table>\n<thead><tr>";
  for (size_t c = 0; c < header_.size(); ++c) {
    const bool number = !rows_.empty() && c < rows_[0].cells.size() && rows_[0].cells[c].style == kNumber;
    absl::StrAppend(&html, number ? "<th class=\"number\">" : "<th>", EscapeHtml(header_[c]), "</th>");
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const Row& row : rows_) {
    html += row.strong ? "<tr class=\"all\">" : "<tr>";
    for (const Cell& cell : row.cells) {
      absl::StrAppend(&html, cell.style.empty() ? "<td>" : absl::StrCat("<td class=\"", cell.style, "\">"),
                      EscapeHtml(cell.text), "</td>");
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string FigureTables(absl::Span<const EvaluationFigure> figures) {
  // Tasks by the metrics they have.
  std::vector<std::pair<std::set<std::string>, std::vector<std::string>>> kinds;
  std::vector<std::string> tasks;
  for (const EvaluationFigure& figure : figures) {
    if (std::find(tasks.begin(), tasks.end(), figure.task) == tasks.end()) tasks.push_back(figure.task);
  }
  for (const std::string& task : tasks) {
    std::set<std::string> metrics;
    for (const EvaluationFigure& figure : figures) {
      if (figure.task == task) metrics.insert(figure.metric);
    }
    auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const auto& k) { return k.first == metrics; });
    if (kind == kinds.end()) kind = kinds.insert(kinds.end(), {metrics, {}});
    kind->second.push_back(task);
  }
  std::string html;
  for (const auto& [metrics, names] : kinds) {
    std::vector<EvaluationFigure> some;
    for (const std::string& task : names) {
      for (const EvaluationFigure& figure : figures) {
        if (figure.task == task) some.push_back(figure);
      }
    }
    FigureLines lines = ArrangeFigures(some);
    std::stable_sort(lines.lines.begin(), lines.lines.end(), [&names = names](const auto& a, const auto& b) {
      return std::find(names.begin(), names.end(), a.task) < std::find(names.begin(), names.end(), b.task);
    });
    std::vector<std::string> header = {"task", "scene", "rows"};
    header.insert(header.end(), lines.metrics.begin(), lines.metrics.end());
    HtmlTable table(std::move(header));
    for (const FigureLine& line : lines.lines) {
      const bool all = line.scene == "*";
      std::vector<HtmlTable::Cell> cells = {
          {line.task}, {all ? "all scenes" : line.scene}, Number(WithThousands(static_cast<long long>(line.rows)))};
      for (const std::string& metric : lines.metrics) {
        const auto value = line.values.find(metric);
        cells.push_back(Number(value == line.values.end() ? "" : Readable(value->second)));
      }
      table.AddRow(std::move(cells), all);
    }
    html += table.Render();
  }
  return html;
}

std::string ComparisonTables(absl::Span<const ComparedModel> models) {
  const std::vector<ComparedFigure> figures = CompareFigures(models);
  std::string html = CostTable(models, figures);
  std::vector<std::string> scenes;
  for (const ComparedFigure& figure : figures) {
    if (std::find(scenes.begin(), scenes.end(), figure.scene) == scenes.end()) scenes.push_back(figure.scene);
  }
  std::stable_partition(scenes.begin(), scenes.end(), [](const std::string& scene) { return scene == "*"; });
  for (const std::string& scene : scenes) {
    absl::StrAppend(&html, scene == "*" ? "<details open>" : "<details>", "<summary>",
                    scene == "*" ? "all scenes" : EscapeHtml(scene), "</summary>\n", SceneTable(models, figures, scene),
                    "</details>\n");
  }
  for (const ComparedModel& model : models) {
    if (model.error.empty()) continue;
    absl::StrAppend(&html, "<h3>", EscapeHtml(model.path), " failed</h3>\n<pre>", EscapeHtml(model.error), "</pre>\n");
  }
  return html;
}

}  // namespace polyscene
