#include "model/evaluation/fading_evaluation.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/evaluation/bytes.h"
#include "model/evaluation/evaluation_cell.h"

namespace polyscene {
namespace {

constexpr uint64_t kVersion = 1;
constexpr size_t kChecksumBytes = 8;

// What two tasks must have in common for the sums of one to be sums of the other.
std::string ShapeOf(const EvaluatedTask& task) {
  std::string shape;
  AppendString(task.name, shape);
  AppendVarint(static_cast<uint64_t>(task.kind), shape);
  AppendVarint(task.outputs, shape);
  AppendDouble(task.quantile, shape);
  return shape;
}

// Of its cells.
size_t OutputsOf(const EvaluatedTask& task) {
  const bool errors = task.kind == EvaluatedKind::kRegression || task.kind == EvaluatedKind::kForecast;
  return errors ? static_cast<size_t>(task.outputs) : 0;
}

}  // namespace

FadingEvaluation::FadingEvaluation(EvaluationLayout layout, int64_t half_life_rows)
    : layout_(std::move(layout)),
      share_(std::exp2(-1.0 / static_cast<double>(std::max<int64_t>(half_life_rows, 1)))),
      sums_(layout_) {}

void FadingEvaluation::Add(int scene, int task, absl::Span<const float> prediction, absl::Span<const float> label) {
  if (!std::all_of(prediction.begin(), prediction.end(), [](float p) { return std::isfinite(p); })) return;
  Evaluation::Cell& cell = sums_.CellOf(scene, task);
  cell.Fade(share_);
  if (layout_.tasks[task].kind == EvaluatedKind::kBinary) {
    cell.AddBinaryWithoutBins(prediction[0], label[0]);
  } else {
    sums_.Add(scene, task, prediction, label);
  }
}

void FadingEvaluation::Clear() { sums_ = Evaluation(layout_); }

void FadingEvaluation::Forget(int task) {
  for (size_t scene = 0; scene < layout_.scenes.size(); ++scene) {
    sums_.CellOf(static_cast<int>(scene), task) = Evaluation::Cell();
  }
}

std::vector<EvaluationFigure> FadingEvaluation::Figures() const { return sums_.Figures(); }

std::string FadingEvaluation::Serialize() const {
  std::string cells;
  for (size_t i = 0; i < sums_.cells_.size(); ++i) {
    const Evaluation::Cell& cell = sums_.cells_[i];
    if (cell.rows == 0) continue;
    AppendString(layout_.scenes[i / layout_.tasks.size()], cells);
    AppendString(ShapeOf(layout_.tasks[i % layout_.tasks.size()]), cells);
    for (const double sum : {cell.rows, cell.correct, cell.log_loss, cell.predictions, cell.positives}) {
      AppendDouble(sum, cells);
    }
    AppendVarint(cell.outputs.size(), cells);
    for (const Evaluation::Cell::Errors& of : cell.outputs) {
      for (const double sum : {of.squared, of.absolute, of.pinball, of.covered, of.label_mean, of.label_m2}) {
        AppendDouble(sum, cells);
      }
    }
  }
  if (cells.empty()) return "";
  std::string bytes;
  AppendVarint(kVersion, bytes);
  bytes += cells;
  AppendString("", bytes);
  AppendFixed64(Checksum(bytes), bytes);
  return bytes;
}

std::optional<size_t> FadingEvaluation::FindCell(absl::string_view scene, absl::string_view shape) const {
  for (size_t s = 0; s < layout_.scenes.size(); ++s) {
    if (layout_.scenes[s] != scene) continue;
    for (const int t : layout_.scene_tasks[s]) {
      if (ShapeOf(layout_.tasks[t]) == shape) return s * layout_.tasks.size() + t;
    }
  }
  return std::nullopt;
}

absl::Status FadingEvaluation::Restore(absl::string_view bytes) {
  if (bytes.size() < kChecksumBytes) {
    return absl::DataLossError(absl::StrCat("fading evaluation: ", bytes.size(), " bytes are too few"));
  }
  const absl::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (ByteReader(bytes.substr(body.size())).Fixed64() != Checksum(body)) {
    return absl::DataLossError("fading evaluation: its checksum does not match, so it was cut or changed");
  }
  ByteReader reader(body);
  const uint64_t version = reader.Varint();
  if (version != kVersion) {
    return absl::DataLossError(absl::StrCat("fading evaluation: format version ", version, ", expected ", kVersion));
  }
  Evaluation restored(layout_);
  for (absl::string_view scene = reader.String(); !scene.empty(); scene = reader.String()) {
    const std::optional<size_t> known = FindCell(scene, reader.String());
    Evaluation::Cell cell;
    for (double* sum : {&cell.rows, &cell.correct, &cell.log_loss, &cell.predictions, &cell.positives}) {
      *sum = reader.Double();
    }
    for (uint64_t output = reader.Varint(); output > 0 && reader.ok(); --output) {
      Evaluation::Cell::Errors& of = cell.outputs.emplace_back();
      for (double* sum : {&of.squared, &of.absolute, &of.pinball, &of.covered, &of.label_mean, &of.label_m2}) {
        *sum = reader.Double();
      }
    }
    if (!known.has_value()) continue;
    if (cell.outputs.size() != OutputsOf(layout_.tasks[*known % layout_.tasks.size()])) {
      return absl::DataLossError("fading evaluation: sums of another number of outputs than their task has");
    }
    restored.cells_[*known] = std::move(cell);
  }
  if (!reader.done()) return absl::DataLossError("fading evaluation: malformed behind a matching checksum");
  sums_ = std::move(restored);
  return absl::OkStatus();
}

}  // namespace polyscene
