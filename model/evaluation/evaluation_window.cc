#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "model/evaluation/bytes.h"
#include "model/evaluation/evaluation.h"
#include "model/evaluation/evaluation_cell.h"

namespace polyscene {

EvaluationWindow::EvaluationWindow(EvaluationLayout layout, int64_t window_rows)
    : layout_(std::move(layout)), window_rows_(std::max<int64_t>(window_rows, 1)), newer_(layout_), older_(layout_) {}

void EvaluationWindow::Add(int scene, int task, absl::Span<const float> prediction, absl::Span<const float> label) {
  newer_.Add(scene, task, prediction, label);
  Evaluation::Cell& newer = newer_.CellOf(scene, task);
  if (newer.rows < static_cast<double>(window_rows_)) return;
  std::swap(newer, older_.CellOf(scene, task));
  newer.Clear();
}

void EvaluationWindow::Clear() {
  newer_ = Evaluation(layout_);
  older_ = Evaluation(layout_);
}

std::vector<EvaluationFigure> EvaluationWindow::Figures() const {
  Evaluation both = older_;
  both.Merge(newer_);
  return both.Figures();
}

std::string EvaluationWindow::Serialize() const {
  std::string bytes;
  AppendString(older_.Serialize(), bytes);
  AppendString(newer_.Serialize(), bytes);
  return bytes;
}

absl::Status EvaluationWindow::Restore(absl::string_view bytes) {
  ByteReader reader(bytes);
  const absl::string_view older_bytes = reader.String();
  const absl::string_view newer_bytes = reader.String();
  if (!reader.done()) return absl::DataLossError("evaluation window: not two evaluations of the recorded lengths");
  absl::StatusOr<Evaluation> older = Evaluation::Parse(layout_, older_bytes);
  if (!older.ok()) return older.status();
  absl::StatusOr<Evaluation> newer = Evaluation::Parse(layout_, newer_bytes);
  if (!newer.ok()) return newer.status();
  older_ = *std::move(older);
  newer_ = *std::move(newer);
  return absl::OkStatus();
}

}  // namespace polyscene
