#include "model/report/figure_table.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "model/report/text_table.h"

namespace polyscene {
namespace {

// The order people look for them in; a metric that is not listed comes after, as it first appears.
const char* const kMetricOrder[] = {"auc", "best_auc", "gauc", "accuracy",   "log_loss", "normalized_entropy",
                                    "mse", "mae",      "r2",   "calibration"};

struct Line {
  std::string scene;
  std::string task;
  uint64_t rows = 0;
  std::map<std::string, double> values;
};

}  // namespace

std::string FigureTable(absl::Span<const EvaluationFigure> figures) {
  std::vector<Line> lines;
  std::vector<std::string> metrics(std::begin(kMetricOrder), std::end(kMetricOrder));
  std::map<std::string, bool> used;
  for (const EvaluationFigure& figure : figures) {
    auto line = std::find_if(lines.begin(), lines.end(),
                             [&](const Line& l) { return l.scene == figure.scene && l.task == figure.task; });
    if (line == lines.end()) line = lines.insert(lines.end(), Line{figure.scene, figure.task});
    line->rows = std::max(line->rows, figure.rows);
    line->values[figure.metric] = figure.value;
    if (std::find(metrics.begin(), metrics.end(), figure.metric) == metrics.end()) metrics.push_back(figure.metric);
    used[figure.metric] = true;
  }
  std::stable_partition(lines.begin(), lines.end(), [](const Line& line) { return line.scene != "*"; });
  metrics.erase(std::remove_if(metrics.begin(), metrics.end(), [&](const std::string& m) { return !used[m]; }),
                metrics.end());

  std::vector<std::string> header = {"scene", "task", "rows"};
  header.insert(header.end(), metrics.begin(), metrics.end());
  TextTable table(std::move(header));
  for (const Line& line : lines) {
    std::vector<std::string> cells = {line.scene, line.task, WithThousands(static_cast<long long>(line.rows))};
    for (const std::string& metric : metrics) {
      const auto value = line.values.find(metric);
      cells.push_back(value == line.values.end() ? "" : Readable(value->second));
    }
    table.AddRow(std::move(cells));
  }
  return table.Render();
}

}  // namespace polyscene
