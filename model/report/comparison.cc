#include "model/report/comparison.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <set>
#include <tuple>

#include "model/evaluation/metric.h"

namespace polyscene {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

void MarkBest(ComparedFigure& figure) {
  const auto better = [&figure](const MeanOverRuns& a, const MeanOverRuns& b) {
    return a.count > 0 && b.count > 0 && IsBetter(figure.metric, a.mean, b.mean);
  };
  for (const MeanOverRuns& value : figure.values) {
    const auto beats = [&](const MeanOverRuns& other) { return better(other, value); };
    const auto beaten = [&](const MeanOverRuns& other) { return better(value, other); };
    figure.best.push_back(std::none_of(figure.values.begin(), figure.values.end(), beats) &&
                          std::any_of(figure.values.begin(), figure.values.end(), beaten));
  }
}

size_t MetricPlace(const std::string& metric) {
  const absl::Span<const absl::string_view> order = MetricOrder();
  return std::find(order.begin(), order.end(), absl::string_view(metric).substr(0, metric.find('@'))) - order.begin();
}

}  // namespace

MeanOverRuns OverRuns(absl::Span<const double> values) {
  MeanOverRuns result{kUndefined, kUndefined, static_cast<int>(values.size())};
  if (values.empty()) return result;
  double sum = 0;
  for (const double value : values) sum += value;
  result.mean = sum / static_cast<double>(values.size());
  if (values.size() < 2) return result;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  return result;
}

std::vector<ComparedFigure> CompareFigures(absl::Span<const ComparedModel> models) {
  std::vector<ComparedFigure> figures;
  const auto same = [](const auto& a, const EvaluationFigure& b) {
    return a.scene == b.scene && a.task == b.task && a.metric == b.metric;
  };
  for (size_t m = 0; m < models.size(); ++m) {
    if (models[m].runs.empty()) continue;
    for (const EvaluationFigure& first : models[m].runs[0].figures) {
      auto figure = std::find_if(figures.begin(), figures.end(), [&](const auto& f) { return same(f, first); });
      if (figure == figures.end()) {
        figure = figures.insert(figure, ComparedFigure{first.scene, first.task, first.metric, first.rows});
        figure->values.resize(models.size(), OverRuns({}));
      }
      std::vector<double> values;
      for (const ComparedRun& run : models[m].runs) {
        for (const EvaluationFigure& f : run.figures) {
          if (same(*figure, f)) values.push_back(f.value);
        }
      }
      figure->values[m] = OverRuns(values);
    }
  }
  std::vector<std::string> scenes, tasks;
  for (const ComparedFigure& figure : figures) {
    if (std::find(scenes.begin(), scenes.end(), figure.scene) == scenes.end()) scenes.push_back(figure.scene);
    if (std::find(tasks.begin(), tasks.end(), figure.task) == tasks.end()) tasks.push_back(figure.task);
  }
  const auto place = [&](const ComparedFigure& figure) {
    return std::make_tuple(figure.scene == "*", std::find(scenes.begin(), scenes.end(), figure.scene),
                           std::find(tasks.begin(), tasks.end(), figure.task), MetricPlace(figure.metric));
  };
  std::stable_sort(figures.begin(), figures.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  for (ComparedFigure& figure : figures) MarkBest(figure);
  return figures;
}

int BestCount(absl::Span<const ComparedFigure> figures, size_t model) {
  return static_cast<int>(
      std::count_if(figures.begin(), figures.end(), [model](const ComparedFigure& f) { return f.best[model]; }));
}

ModelCost CostOf(const ComparedModel& model) {
  std::vector<double> rows, seconds, rates, losses;
  ModelCost cost;
  for (const ComparedRun& run : model.runs) {
    rows.push_back(static_cast<double>(run.table_rows));
    seconds.push_back(run.seconds);
    rates.push_back(run.seconds > 0 ? static_cast<double>(run.rows_learned) / run.seconds : kUndefined);
    losses.push_back(run.test_loss);
    cost.peak_memory_bytes = std::max(cost.peak_memory_bytes, run.peak_memory_bytes);
  }
  cost.table_rows = OverRuns(rows);
  cost.seconds = OverRuns(seconds);
  cost.rows_per_second = OverRuns(rates);
  cost.test_loss = OverRuns(losses);
  return cost;
}

std::vector<std::string> ShortLabels(absl::Span<const std::string> paths) {
  std::vector<std::string> labels;
  for (const std::string& path : paths) labels.push_back(std::filesystem::path(path).stem().string());
  const std::set<std::string> distinct(labels.begin(), labels.end());
  if (distinct.size() < labels.size()) labels.assign(paths.begin(), paths.end());
  return labels;
}

}  // namespace polyscene
