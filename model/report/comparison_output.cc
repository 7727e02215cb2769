// A comparison as people and programs read it.
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/report/comparison.h"
#include "model/report/text_table.h"

namespace polyscene {
namespace {

Json ValueJson(const MeanOverRuns& value) {
  return {{"value", JsonNumber(value.mean)}, {"deviation", JsonNumber(value.deviation)}, {"runs", value.count}};
}

std::string FigureText(absl::Span<const ComparedModel> models, absl::Span<const ComparedFigure> figures) {
  std::vector<std::string> header = {"scene", "task", "metric", "rows"};
  for (const ComparedModel& model : models) {
    if (!model.runs.empty()) header.push_back(model.label);
  }
  TextTable table(std::move(header));
  for (const ComparedFigure& figure : figures) {
    std::vector<std::string> cells = {figure.scene, figure.task, figure.metric,
                                      WithThousands(static_cast<long long>(figure.rows))};
    for (size_t m = 0; m < models.size(); ++m) {
      if (models[m].runs.empty()) continue;
      cells.push_back(absl::StrCat(WithDeviation(figure.values[m]), figure.best[m] ? " *" : ""));
    }
    table.AddRow(std::move(cells));
  }
  return table.Render();
}

std::string CostText(absl::Span<const ComparedModel> models, absl::Span<const ComparedFigure> figures) {
  TextTable table({"model", "runs", "parameters", "table rows", "train seconds", "rows/s", "peak memory",
                   "weighted test loss", "best in"});
  for (size_t m = 0; m < models.size(); ++m) {
    const ComparedModel& model = models[m];
    if (model.runs.empty()) continue;
    const ModelCost cost = CostOf(model);
    table.AddRow({model.label, absl::StrCat(model.runs.size()), WithThousands(model.parameters),
                  WithThousands(std::llround(cost.table_rows.mean)), WithDeviation(cost.seconds),
                  WithThousands(std::llround(cost.rows_per_second.mean)),
                  cost.peak_memory_bytes > 0 ? ReadableBytes(static_cast<double>(cost.peak_memory_bytes)) : "-",
                  WithDeviation(cost.test_loss), absl::StrCat(BestCount(figures, m), " of ", figures.size())});
  }
  return table.rows() > 0 ? table.Render() : "";
}

}  // namespace

std::string WithDeviation(const MeanOverRuns& value) {
  if (value.count == 0) return "";
  if (value.count == 1) return Readable(value.mean);
  // To the mean's last digit: what is smaller shows as 0.
  const std::string mean = Readable(value.mean);
  const size_t point = mean.find('.');
  const bool plain = std::isfinite(value.deviation) && mean.find('e') == std::string::npos;
  const int decimals = point == std::string::npos ? 0 : static_cast<int>(mean.size() - point - 1);
  return absl::StrCat(mean, " ± ",
                      plain ? absl::StrFormat("%.*f", decimals, value.deviation) : Readable(value.deviation));
}

std::string ComparisonText(absl::Span<const ComparedModel> models) {
  const std::vector<ComparedFigure> figures = CompareFigures(models);
  std::string text;
  if (!figures.empty()) absl::StrAppend(&text, FigureText(models, figures), "\n");
  absl::StrAppend(&text, CostText(models, figures));
  for (const ComparedModel& model : models) {
    if (model.error.empty()) continue;
    const bool named = absl::StartsWith(model.error, model.path);  // As mistakes in the model file are.
    absl::StrAppend(&text, "failed: ", named ? "" : model.path + ": ", model.error, "\n");
  }
  return text;
}

Json ComparisonJson(absl::Span<const ComparedModel> models) {
  const std::vector<ComparedFigure> figures = CompareFigures(models);
  Json all = Json::array();
  for (size_t m = 0; m < models.size(); ++m) {
    const ComparedModel& model = models[m];
    Json json = {{"model", model.path}, {"label", model.label}, {"name", model.name}};
    if (!model.error.empty()) json["error"] = model.error;
    json["fingerprint"] = model.fingerprint;
    json["parameters"] = model.parameters;
    json["train_rows"] = model.train_rows;
    json["test_rows"] = model.test_rows;
    const ModelCost cost = CostOf(model);
    json["table_rows"] = ValueJson(cost.table_rows);
    json["seconds"] = ValueJson(cost.seconds);
    json["rows_per_second"] = ValueJson(cost.rows_per_second);
    json["peak_memory_bytes"] = cost.peak_memory_bytes > 0 ? Json(cost.peak_memory_bytes) : Json(nullptr);
    json["test_loss"] = ValueJson(cost.test_loss);
    json["evaluation"] = Json::array();
    for (const ComparedFigure& figure : figures) {
      if (figure.values[m].count == 0) continue;
      Json cell = {{"scene", figure.scene}, {"task", figure.task}, {"metric", figure.metric}};
      cell.update(ValueJson(figure.values[m]));
      cell["rows"] = figure.rows;
      cell["best"] = bool{figure.best[m]};
      json["evaluation"].push_back(std::move(cell));
    }
    json["seeds"] = Json::array();
    for (const ComparedRun& run : model.runs) {
      json["seeds"].push_back({{"seed", run.seed},
                               {"rows_learned", run.rows_learned},
                               {"seconds", JsonNumber(run.seconds)},
                               {"table_rows", run.table_rows},
                               {"test_loss", JsonNumber(run.test_loss)},
                               {"evaluation", FiguresJson(run.figures)}});
    }
    all.push_back(std::move(json));
  }
  return {{"models", std::move(all)}};
}

}  // namespace polyscene
