// The Learner on LibTorch: autograd for the dense part, gathered rows and a row-wise optimizer for the tables.
#pragma once

#include <torch/types.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/embedding/embedding_tables.h"
#include "model/feature/encoder.h"
#include "model/learning/learner.h"
#include "model/learning/step_labels.h"
#include "model/network/network.h"
#include "model/optimizer/dense_optimizer.h"
#include "model/optimizer/row_optimizer.h"

namespace polyscene {

class CheckpointReader;

class TorchLearner : public Learner {
 public:
  TorchLearner(std::shared_ptr<const ModelSpec> spec, LearnerOptions options);

  absl::StatusOr<StepReport> Step(absl::Span<const ExampleSlice> slices) override;
  void OpenEvaluation(absl::string_view producer, int64_t from_micros) override;
  absl::StatusOr<std::shared_ptr<const Snapshot>> MakeSnapshot(uint64_t version, uint64_t learned_offset) override;
  absl::Status SaveCheckpoint(const std::filesystem::path& directory, uint64_t log_offset) override;
  LearnerCounters counters() const override { return counters_; }
  std::vector<TableRows> tables() const override;
  uint64_t table_bytes() const override { return tables_.memory_bytes(); }
  std::vector<EvaluationFigure> RecentEvaluation() const override { return window_.Figures(); }
  std::vector<std::pair<std::string, std::vector<EvaluationFigure>>> OpenedEvaluations() const override;

  // Fills a fresh learner from a checkpoint and returns the log offset it was written at. Errors as LoadLearner().
  absl::StatusOr<uint64_t> Restore(const CheckpointReader& reader);

 private:
  struct OpenedEvaluation {
    int64_t from_micros = 0;
    uint64_t number = 0;  // Grows with each opening.
    Evaluation evaluation;
  };

  StepReport StepOrThrow(absl::Span<const ExampleSlice> slices);
  std::vector<WantedTask> ChooseRows(int64_t rows) const;
  bool GradientsAreFinite(const std::vector<torch::Tensor>& values) const;
  torch::Tensor LossOf(const WantedTask& want, const torch::Tensor& logits) const;
  void Evaluate(absl::Span<const ExampleSlice> slices, const std::vector<WantedTask>& wanted,
                const std::vector<torch::Tensor>& logits);
  void Update(const std::vector<GroupRows>& rows, const std::vector<torch::Tensor>& values);
  void FinishStep(absl::Span<const ExampleSlice> slices);

  const std::shared_ptr<const ModelSpec> spec_;
  const LearnerOptions options_;
  const torch::Device device_;
  const FeatureEncoder encoder_;
  const std::unique_ptr<Network> network_;
  TrainedParameters parameters_;
  const std::unique_ptr<DenseOptimizer> dense_optimizer_;
  const RowAdagrad row_optimizer_;
  EmbeddingTables tables_;
  FeatureStatistics statistics_;
  EvaluationWindow window_;
  std::map<std::string, OpenedEvaluation>
      opened_;  // By producer; ordered, so that checkpoints of equal states are equal.
  LearnerCounters counters_;

  EncodedBatch batch_;              // These two are filled anew each step; kept for their memory.
  std::vector<TaskLabels> labels_;  // [tasks]
};

// The cells that `spec`'s scenes and tasks are evaluated in.
EvaluationLayout LayoutOf(const ModelSpec& spec);

}  // namespace polyscene
