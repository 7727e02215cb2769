// Rows of files through the same encoder and forward as requests.
#include <torch/torch.h>

#include <limits>

#include "model/feature/encoder.h"
#include "model/feature/label_scale.h"
#include "model/loss/calibrated_logits.h"
#include "model/loss/label_loss.h"
#include "model/loss/task_loss.h"
#include "model/network/network.h"
#include "model/serving/ranking.h"
#include "model/serving/row_scorer.h"
#include "model/serving/torch_snapshot.h"
#include "model/tensor/catch_torch.h"

namespace polyscene {
namespace {

class TorchRowScorer : public RowScorer {
 public:
  TorchRowScorer(std::shared_ptr<const ModelSpec> spec, HashKey key, torch::Device device, int threads)
      : spec_(std::move(spec)),
        encoder_(spec_, key),
        network_(CreateNetwork(*spec_, InputWidth(*spec_))),
        device_(device),
        threads_(threads) {}

  absl::StatusOr<ScoreResult> Score(const Snapshot& snapshot, int scene, const TableView& table, int64_t begin,
                                    int64_t end) override {
    return CatchTorch(
        "forward", [&] { return ScoreOrThrow(static_cast<const TorchSnapshot&>(snapshot), scene, table, begin, end); });
  }

  absl::StatusOr<std::vector<double>> Evaluate(const Snapshot& snapshot, const EncodedExamples& rows,
                                               const OnLabel& on_label, std::vector<float>* ranking) override {
    return CatchTorch("forward", [&] {
      return EvaluateOrThrow(static_cast<const TorchSnapshot&>(snapshot), rows, on_label, ranking);
    });
  }

 private:
  ScoreResult ScoreOrThrow(const TorchSnapshot& snapshot, int scene, const TableView& table, int64_t begin,
                           int64_t end);
  std::vector<double> EvaluateOrThrow(const TorchSnapshot& snapshot, const EncodedExamples& rows,
                                      const OnLabel& on_label, std::vector<float>* ranking) const;
  // Ranking scores of rows of one scene by the calibrated logits of `wanted`, which has every task that it ranks by.
  std::vector<float> RankRows(const TorchSnapshot& snapshot, int scene, int64_t rows,
                              const std::vector<WantedTask>& wanted, const std::vector<torch::Tensor>& logits) const;
  ScoredTask Served(const TorchSnapshot& snapshot, const WantedTask& wanted, const torch::Tensor& logits,
                    int64_t rows) const;

  const std::shared_ptr<const ModelSpec> spec_;
  const FeatureEncoder encoder_;
  const std::unique_ptr<Network> network_;
  const torch::Device device_;
  const int threads_;
  EncodedBatch batch_;  // Filled anew each call; kept for its memory.
};

ScoreResult TorchRowScorer::ScoreOrThrow(const TorchSnapshot& snapshot, int scene, const TableView& table,
                                         int64_t begin, int64_t end) {
  at::set_num_threads(threads_);
  const c10::InferenceMode inference;
  batch_.Clear();
  encoder_.AppendRows(snapshot.statistics(), scene, table, begin, end, batch_);
  std::vector<WantedTask> wanted;
  for (const int task : spec_->scenes()[scene].tasks) wanted.emplace_back().task = task;
  const std::vector<torch::Tensor> logits =
      ForwardSnapshot(*network_, snapshot, batch_, spec_->dense_width(), device_, wanted);
  const absl::Span<const int32_t> scenes = batch_.scenes;

  ScoreResult result;
  result.rows = batch_.rows;
  for (size_t w = 0; w < wanted.size(); ++w) {
    const torch::Tensor calibrated = CalibratedLogits(*spec_, snapshot.calibrations(), wanted[w], scenes, logits[w]);
    result.tasks.push_back(Served(snapshot, wanted[w], calibrated, result.rows));
  }
  FillRanking(spec_->scenes()[scene], result);
  return result;
}

ScoredTask TorchRowScorer::Served(const TorchSnapshot& snapshot, const WantedTask& wanted, const torch::Tensor& logits,
                                  int64_t rows) const {
  const TaskSpec& task = spec_->tasks()[wanted.task];
  const torch::Tensor scores =
      ServedScores(task, ScaleOf(task, snapshot.statistics()), logits).contiguous().to(torch::kCPU);
  ScoredTask scored;
  scored.task = wanted.task;
  scored.outputs = task.outputs;
  scored.values.assign(scores.data_ptr<float>(), scores.data_ptr<float>() + rows * task.outputs);
  return scored;
}

std::vector<float> TorchRowScorer::RankRows(const TorchSnapshot& snapshot, int scene, int64_t rows,
                                            const std::vector<WantedTask>& wanted,
                                            const std::vector<torch::Tensor>& logits) const {
  ScoreResult result;
  result.rows = rows;
  for (const RankFactor& factor : spec_->scenes()[scene].rank_by) {
    for (size_t w = 0; w < wanted.size(); ++w) {
      if (wanted[w].task != factor.task) continue;
      result.tasks.push_back(Served(snapshot, wanted[w], logits[w], rows));
    }
  }
  FillRanking(spec_->scenes()[scene], result);
  return std::move(result.ranking);
}

std::vector<double> TorchRowScorer::EvaluateOrThrow(const TorchSnapshot& snapshot, const EncodedExamples& rows,
                                                    const OnLabel& on_label, std::vector<float>* ranking) const {
  at::set_num_threads(threads_);
  const c10::InferenceMode inference;
  const int scene = rows.rows() > 0 ? rows.inputs.scenes[0] : 0;
  std::vector<bool> asked(spec_->tasks().size());
  for (size_t task = 0; task < rows.labels.size(); ++task) asked[task] = !rows.labels[task].labelled.empty();
  if (ranking != nullptr) {
    ranking->clear();
    for (const RankFactor& factor : spec_->scenes()[scene].rank_by) asked[factor.task] = true;
  }
  std::vector<WantedTask> wanted;
  for (size_t task = 0; task < asked.size(); ++task) {
    if (asked[task]) wanted.emplace_back().task = static_cast<int>(task);
  }
  std::vector<double> losses(spec_->tasks().size(), std::numeric_limits<double>::quiet_NaN());
  if (wanted.empty() || rows.rows() == 0) return losses;
  std::vector<torch::Tensor> logits =
      ForwardSnapshot(*network_, snapshot, rows.inputs, spec_->dense_width(), device_, wanted);

  std::vector<float> label;
  for (size_t w = 0; w < wanted.size(); ++w) {
    const int t = wanted[w].task;
    const TaskSpec& task = spec_->tasks()[t];
    const LabelScale scale = ScaleOf(task, snapshot.statistics());
    const TaskLabels& labels = rows.labels[t];
    if (labels.weighted > 0 && !task.evaluate_only) {
      losses[t] = LabelLoss(task, scale, labels, wanted[w].rows, logits[w]).item<double>();
    }
    logits[w] = CalibratedLogits(*spec_, snapshot.calibrations(), wanted[w], rows.inputs.scenes, logits[w]);
    const torch::Tensor scores = EvaluatedScores(task, scale, logits[w]).contiguous().to(torch::kCPU);
    const float* values = scores.data_ptr<float>();
    label.resize(task.label_width);
    for (const int64_t row : labels.labelled) {
      for (int k = 0; k < task.label_width; ++k) {
        label[k] = EvaluatedLabel(task, labels.values[row * task.label_width + k]);
      }
      on_label(row, t, absl::MakeConstSpan(values + row * task.outputs, task.outputs), label);
    }
  }
  if (ranking != nullptr) *ranking = RankRows(snapshot, scene, rows.rows(), wanted, logits);
  return losses;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowScorer>> CreateRowScorer(std::shared_ptr<const ModelSpec> spec, HashKey key,
                                                           const std::string& device, int threads) {
  return CatchTorch("row scorer", [&]() -> std::unique_ptr<RowScorer> {
    return std::make_unique<TorchRowScorer>(std::move(spec), key, torch::Device(device), threads);
  });
}

}  // namespace polyscene
