#include "model/evaluation/evaluation.h"

#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/evaluation/evaluation_cell.h"

namespace polyscene {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

double Ratio(double numerator, double denominator) { return denominator == 0 ? kUndefined : numerator / denominator; }

double Entropy(double rate) {
  return rate <= 0 || rate >= 1 ? 0 : -rate * std::log(rate) - (1 - rate) * std::log(1 - rate);
}

}  // namespace

Evaluation::Evaluation(EvaluationLayout layout)
    : layout_(std::move(layout)), cells_(layout_.scenes.size() * layout_.tasks.size()) {}
Evaluation::~Evaluation() = default;
Evaluation::Evaluation(const Evaluation&) = default;
Evaluation& Evaluation::operator=(const Evaluation&) = default;
Evaluation::Evaluation(Evaluation&&) noexcept = default;
Evaluation& Evaluation::operator=(Evaluation&&) noexcept = default;

Evaluation::Cell& Evaluation::CellOf(int scene, int task) { return cells_[scene * layout_.tasks.size() + task]; }

void Evaluation::Add(int scene, int task, absl::Span<const float> prediction, absl::Span<const float> label) {
  Cell& cell = CellOf(scene, task);
  switch (layout_.tasks[task].kind) {
    case EvaluatedKind::kBinary:
      return cell.AddBinary(prediction[0], label[0]);
    case EvaluatedKind::kMultiClass:
      return cell.AddMultiClass(prediction, label[0]);
    case EvaluatedKind::kRegression:
    case EvaluatedKind::kForecast:
      return cell.AddRegression(prediction, label, layout_.tasks[task].quantile);
  }
}

void Evaluation::Merge(const Evaluation& other) {
  for (size_t i = 0; i < cells_.size(); ++i) cells_[i].Merge(other.cells_[i]);
}

void Evaluation::Clear() {
  for (Cell& cell : cells_) cell = Cell();
}

void Evaluation::AppendFigures(absl::string_view scene, int task_index, const Cell& cell,
                               std::vector<EvaluationFigure>& figures) const {
  if (cell.rows == 0) return;
  const EvaluatedTask& task = layout_.tasks[task_index];
  std::string name = task.name;
  const auto rows_told = static_cast<uint64_t>(std::llround(cell.rows));
  const auto add = [&](absl::string_view metric, double value) {
    figures.push_back({std::string(scene), name, std::string(metric), value, rows_told});
  };
  const double rows = cell.rows;

  if (task.kind == EvaluatedKind::kBinary) {
    double positives = 0;
    double negatives = 0;
    double pairs = 0;  // (negative, positive) pairs in the right order.
    for (const Cell::Bin& bin : cell.bins) {
      pairs += static_cast<double>(bin.positives) * (negatives + 0.5 * static_cast<double>(bin.negatives));
      negatives += static_cast<double>(bin.negatives);
      positives += static_cast<double>(bin.positives);
    }
    if (!cell.bins.empty()) add("auc", Ratio(pairs, positives * negatives));
    add("log_loss", cell.log_loss / rows);
    add("accuracy", cell.correct / rows);
    add("calibration", Ratio(cell.predictions, cell.positives));
    if (!cell.bins.empty()) add("calibration_error", cell.CalibrationError());
    add("normalized_entropy", Ratio(cell.log_loss / rows, Entropy(cell.positives / rows)));
    return;
  }
  if (task.kind == EvaluatedKind::kMultiClass) {
    add("accuracy", cell.correct / rows);
    add("log_loss", cell.log_loss / rows);
    return;
  }
  for (size_t i = 0; i < cell.outputs.size(); ++i) {
    const Cell::Errors& sums = cell.outputs[i];
    if (task.kind == EvaluatedKind::kForecast) name = absl::StrCat(task.name, "[", i, "]");
    if (task.quantile > 0) {
      add("pinball", sums.pinball / rows);
      add("coverage", sums.covered / rows);
      add("mae", sums.absolute / rows);
      continue;
    }
    add("mse", sums.squared / rows);
    add("mae", sums.absolute / rows);
    add("r2", 1 - Ratio(sums.squared, sums.label_m2));
  }
}

std::vector<EvaluationFigure> Evaluation::Figures() const {
  std::vector<EvaluationFigure> figures;
  const size_t tasks = layout_.tasks.size();
  for (size_t scene = 0; scene < layout_.scenes.size(); ++scene) {
    for (const int task : layout_.scene_tasks[scene]) {
      AppendFigures(layout_.scenes[scene], task, cells_[scene * tasks + task], figures);
    }
  }
  for (size_t task = 0; task < tasks; ++task) {
    Cell all;
    for (size_t scene = 0; scene < layout_.scenes.size(); ++scene) all.Merge(cells_[scene * tasks + task]);
    AppendFigures("*", static_cast<int>(task), all, figures);
  }
  return figures;
}

}  // namespace polyscene
