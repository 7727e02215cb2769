#include "model/report/figure_table.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "model/evaluation/metric.h"
#include "model/report/text_table.h"

namespace polyscene {
FigureLines ArrangeFigures(absl::Span<const EvaluationFigure> figures) {
  FigureLines result;
  std::vector<std::string>& metrics = result.metrics;
  for (const absl::string_view metric : MetricOrder()) metrics.emplace_back(metric);
  std::map<std::string, bool> used;
  for (const EvaluationFigure& figure : figures) {
    auto line = std::find_if(result.lines.begin(), result.lines.end(),
                             [&](const FigureLine& l) { return l.scene == figure.scene && l.task == figure.task; });
    if (line == result.lines.end()) line = result.lines.insert(line, FigureLine{figure.scene, figure.task});
    line->rows = std::max(line->rows, figure.rows);
    line->values[figure.metric] = figure.value;
    if (std::find(metrics.begin(), metrics.end(), figure.metric) == metrics.end()) metrics.push_back(figure.metric);
    used[figure.metric] = true;
  }
  std::stable_partition(result.lines.begin(), result.lines.end(), [](const auto& line) { return line.scene != "*"; });
  metrics.erase(std::remove_if(metrics.begin(), metrics.end(), [&](const std::string& m) { return !used[m]; }),
                metrics.end());
  return result;
}

std::string FigureTable(absl::Span<const EvaluationFigure> figures) {
  const FigureLines arranged = ArrangeFigures(figures);
  std::vector<std::string> header = {"scene", "task", "rows"};
  header.insert(header.end(), arranged.metrics.begin(), arranged.metrics.end());
  TextTable table(std::move(header));
  for (const FigureLine& line : arranged.lines) {
    std::vector<std::string> cells = {line.scene, line.task, WithThousands(static_cast<long long>(line.rows))};
    for (const std::string& metric : arranged.metrics) {
      const auto value = line.values.find(metric);
      cells.push_back(value == line.values.end() ? "" : Readable(value->second));
    }
    table.AddRow(std::move(cells));
  }
  return table.Render();
}

}  // namespace polyscene
