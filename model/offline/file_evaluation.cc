#include "model/offline/file_evaluation.h"

#include "model/offline/loss_sums.h"
#include "model/offline/row_encoder.h"
#include "model/serving/evaluation_layout.h"

namespace polyscene {

absl::StatusOr<FileEvaluation> EvaluateFiles(std::shared_ptr<const ModelSpec> spec, const HashKey& key,
                                             const RowSelection& selection, OfflineLearner& learner, RowScorer& scorer,
                                             RefusedRows* refused, const std::function<bool(int64_t)>& progress) {
  const auto snapshot = learner.MakeSnapshot(1, 0);
  if (!snapshot.ok()) return snapshot.status();
  Evaluation evaluation(LayoutOf(*spec));
  LossSums losses(*spec);
  const absl::StatusOr<std::unique_ptr<ExampleRows>> opened = OpenRows(spec, key, selection, refused);
  if (!opened.ok()) return opened.status();
  ExampleRows& files = **opened;
  RowEncoder encoder(spec, key);
  ExampleChunk chunk;
  EncodedExamples rows;
  FileEvaluation result;
  for (;;) {
    const absl::StatusOr<bool> more = files.Next(&chunk);
    if (!more.ok()) return more.status();
    if (!*more) break;
    encoder.Encode(learner.statistics(), chunk, rows);
    const absl::StatusOr<std::vector<double>> task_losses = scorer.Evaluate(**snapshot, rows, evaluation);
    if (!task_losses.ok()) return task_losses.status();
    losses.Add(*task_losses, rows.labels);
    result.rows += rows.rows();
    if (!progress(result.rows)) return absl::CancelledError("interrupted while the test rows were scored");
  }
  result.figures = evaluation.Figures();
  result.loss = losses.Joint();
  result.task_losses = losses.Means();
  return result;
}

}  // namespace polyscene
