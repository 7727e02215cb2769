#include "model/offline/file_evaluation.h"

#include <functional>
#include <string>
#include <utility>

#include "model/evaluation/request_collector.h"
#include "model/offline/loss_sums.h"
#include "model/offline/row_encoder.h"
#include "model/serving/evaluation_layout.h"

namespace polyscene {

namespace {

// Each scene's task whose labels are the gains of a list: the first that it ranks by, as in the client's evaluation.
std::vector<int> RelevanceTasks(const ModelSpec& spec) {
  std::vector<int> tasks;
  for (const SceneSpec& scene : spec.scenes()) {
    const int task = scene.rank_by.empty() || !scene.has_candidates ? -1 : scene.rank_by[0].task;
    tasks.push_back(task >= 0 && spec.tasks()[task].label_width == 1 ? task : -1);
  }
  return tasks;
}

// Sums over the rows of files: by themselves, and by the requests they belong to.
class RowSums {
 public:
  explicit RowSums(const ModelSpec& spec)
      : spec_(spec),
        evaluation_(LayoutOf(spec)),
        relevance_(RelevanceTasks(spec)),
        requests_(LayoutOf(spec), relevance_) {}

  // Scores the chunk's rows, which `rows` are. Their mean losses, [tasks].
  absl::StatusOr<std::vector<double>> Add(const ExampleChunk& chunk, const EncodedExamples& rows,
                                          const Snapshot& snapshot, RowScorer& scorer) {
    if (rows.rows() == 0) return std::vector<double>(spec_.tasks().size());
    const int scene = rows.inputs.scenes[0];
    const std::vector<uint64_t> requests = RequestsOf(chunk);
    const bool grouped = spec_.scenes()[scene].has_candidates && !requests.empty();
    const bool ranked = grouped && relevance_[scene] >= 0;
    std::vector<float> gains(ranked ? rows.rows() : 0), ranking;
    const auto on_label = [&](int64_t row, int task, absl::Span<const float> prediction,
                              absl::Span<const float> label) {
      evaluation_.Add(scene, task, prediction, label);
      if (grouped && requests[row] != 0) requests_.AddScored(requests[row], scene, task, prediction[0], label[0]);
      if (ranked && task == relevance_[scene]) gains[row] = label[0];
    };
    auto losses = scorer.Evaluate(snapshot, rows, on_label, ranked ? &ranking : nullptr);
    if (!losses.ok()) return losses.status();
    for (size_t row = 0; row < ranking.size(); ++row) {
      if (requests[row] != 0) requests_.AddRanked(requests[row], scene, ranking[row], gains[row]);
    }
    return losses;
  }

  std::vector<EvaluationFigure> Figures() const {
    std::vector<EvaluationFigure> figures = evaluation_.Figures();
    for (EvaluationFigure& figure : requests_.Figures()) figures.push_back(std::move(figure));
    return figures;
  }

  const Evaluation& evaluation() const { return evaluation_; }

 private:
  // A number for the request of each of the chunk's rows, 0 where it has none; empty: the file names none.
  static std::vector<uint64_t> RequestsOf(const ExampleChunk& chunk) {
    std::vector<uint64_t> requests;
    if (chunk.table.request_ids.empty()) return requests;
    for (const auto& [begin, end] : chunk.ranges) {
      for (int64_t row = begin; row < end; ++row) {
        const std::string& id = chunk.table.request_ids[row];
        requests.push_back(id.empty() ? 0 : std::hash<std::string>()(id) | 1);
      }
    }
    return requests;
  }

  const ModelSpec& spec_;
  Evaluation evaluation_;
  const std::vector<int> relevance_;
  RequestCollector requests_;
};

}  // namespace

absl::StatusOr<FileEvaluation> EvaluateFiles(std::shared_ptr<const ModelSpec> spec, const HashKey& key,
                                             const RowSelection& selection, OfflineLearner& learner, RowScorer& scorer,
                                             RefusedRows* refused, const std::function<bool(int64_t)>& progress) {
  const auto snapshot = learner.MakeSnapshot(1, 0);
  if (!snapshot.ok()) return snapshot.status();
  RowSums sums(*spec);
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
    encoder.EncodeScored(learner.statistics(), chunk, rows);
    const absl::StatusOr<std::vector<double>> task_losses = sums.Add(chunk, rows, **snapshot, scorer);
    if (!task_losses.ok()) return task_losses.status();
    losses.Add(*task_losses, rows.labels);
    result.rows += rows.rows();
    if (!progress(result.rows)) return absl::CancelledError("interrupted while the test rows were scored");
  }
  result.figures = sums.Figures();
  result.reliability.resize(spec->tasks().size());
  for (size_t task = 0; task < spec->tasks().size(); ++task) {
    if (spec->tasks()[task].kind != TaskSpec::Kind::kBinary) continue;
    result.reliability[task] = sums.evaluation().Reliability(static_cast<int>(task));
  }
  result.loss = losses.Joint();
  result.task_losses = losses.Means();
  return result;
}

}  // namespace polyscene
