#include "model/offline/tensorboard_log.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr int kPointsPerHistogram = 8;  // A histogram is some kilobytes a matrix, a point 60 bytes.

int64_t StepOf(const OfflineLearner& learner) { return static_cast<int64_t>(learner.counters().rows_learned); }

}  // namespace

absl::StatusOr<std::unique_ptr<TensorboardLog>> TensorboardLog::Create(const std::filesystem::path& directory,
                                                                       std::shared_ptr<const ModelSpec> spec) {
  absl::StatusOr<std::unique_ptr<EventFile>> file = EventFile::Create(directory);
  if (!file.ok()) return file.status();
  return std::unique_ptr<TensorboardLog>(new TensorboardLog(std::move(spec), *std::move(file)));
}

TensorboardLog::TensorboardLog(std::shared_ptr<const ModelSpec> spec, std::unique_ptr<EventFile> file)
    : spec_(std::move(spec)), file_(std::move(file)) {}

void TensorboardLog::AddLosses(absl::string_view group, double loss, const std::vector<double>& task_losses,
                               int64_t step) {
  file_->AddScalar(absl::StrCat(group, "/joint"), loss, step);
  for (size_t t = 0; t < task_losses.size(); ++t) {
    file_->AddScalar(absl::StrCat(group, "/", spec_->tasks()[t].name), task_losses[t], step);
  }
}

void TensorboardLog::AddMatrices(const OfflineLearner& learner) {
  const absl::StatusOr<std::vector<NamedMatrix>> matrices = learner.Matrices();
  if (!matrices.ok()) return;  // A device that fails tells in the next step.
  const int64_t step = StepOf(learner);
  for (const NamedMatrix& matrix : *matrices) {
    file_->AddHistogram(absl::StrCat("weights/", matrix.name), matrix.weights, step);
    file_->AddHistogram(absl::StrCat("gradients/", matrix.name), matrix.gradients, step);
  }
}

void TensorboardLog::OnBegin(const OfflineLearner& learner) { AddMatrices(learner); }

void TensorboardLog::OnLosses(const LossPoint& point, const OfflineLearner& learner) {
  const int64_t step = StepOf(learner);
  AddLosses("train_loss", point.loss, point.task_losses, step);
  file_->AddScalar("speed/rows_per_second", point.rows_per_second, step);
  if (++points_ % kPointsPerHistogram == 0) AddMatrices(learner);
  file_->Flush().IgnoreError();  // For whoever looks on; Finish() tells.
}

void TensorboardLog::OnEpoch(int epoch, const EpochReport& report, const OfflineLearner& learner) {
  for (const TableRows& table : learner.tables()) {
    file_->AddScalar(absl::StrCat("table_rows/", table.table), static_cast<double>(table.rows), StepOf(learner));
  }
  AddMatrices(learner);
}

void TensorboardLog::OnEvaluation(double epochs, const FileEvaluation& evaluation, const OfflineLearner& learner) {
  const int64_t step = StepOf(learner);
  AddLosses("test_loss", evaluation.loss, evaluation.task_losses, step);
  for (const EvaluationFigure& figure : evaluation.figures) {
    file_->AddScalar(absl::StrCat(figure.metric, "/", figure.task, "/", figure.scene), figure.value, step);
  }
  file_->Flush().IgnoreError();
}

}  // namespace polyscene
