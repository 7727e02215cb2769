// The Learner on LibTorch: autograd for the dense part, gathered rows and a row-wise optimizer for the tables.
#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/balance/joint_loss.h"
#include "model/embedding/embedding_tables.h"
#include "model/evaluation/fading_evaluation.h"
#include "model/evaluation/producer_evaluations.h"
#include "model/feature/encoder.h"
#include "model/feature/task_labels.h"
#include "model/fused/between_pieces.h"
#include "model/learning/evaluated_rows.h"
#include "model/learning/offline_learner.h"
#include "model/learning/stored_checkpoint.h"
#include "model/loss/calibrations.h"
#include "model/network/network.h"
#include "model/optimizer/dense_optimizer.h"
#include "model/optimizer/row_optimizer.h"

namespace polyscene {

class CompiledNetwork;
struct CheckpointContents;
struct SchemaChange;

class TorchLearner : public OfflineLearner {
 public:
  TorchLearner(std::shared_ptr<const ModelSpec> spec, LearnerOptions options);

  absl::StatusOr<StepReport> Step(absl::Span<const ExampleSlice> slices) override;
  void OpenEvaluation(absl::string_view producer, int64_t from_micros) override;
  void ClearEvaluations() override;
  absl::StatusOr<std::shared_ptr<const Snapshot>> MakeSnapshot(uint64_t version, uint64_t learned_offset) override;
  absl::StatusOr<std::unique_ptr<CheckpointJob>> BeginCheckpoint(uint64_t log_offset, CheckpointKind kind) override;
  void EndCheckpoint(std::unique_ptr<CheckpointJob> job) override;
  LearnerCounters counters() const override { return counters_; }
  std::vector<TableRows> tables() const override;
  uint64_t table_bytes() const override { return tables_.memory_bytes(); }
  BalanceFigures balance() const override { return joint_loss_.figures(); }
  std::vector<DriftFigure> drift() const override { return drift_.Figures(); }
  std::vector<EvaluationFigure> RecentEvaluation() const override { return window_.Figures(); }
  std::vector<EvaluationFigure> FadingFigures() const override { return fading_.Figures(); }
  std::vector<std::pair<std::string, std::vector<EvaluationFigure>>> OpenedEvaluations() const override {
    return opened_.LearnedFigures();
  }
  std::vector<EvaluationFigure> RecentServed() const override { return served_window_.Figures(); }
  std::vector<std::pair<std::string, std::vector<EvaluationFigure>>> OpenedServed() const override {
    return opened_.ServedFigures();
  }

  void CallBetweenPieces(std::function<void()> call) override { between_pieces_->Set(std::move(call)); }

  const FeatureStatistics& statistics() const override { return statistics_; }
  void SetStatistics(FeatureStatistics statistics) override { statistics_ = std::move(statistics); }
  absl::StatusOr<StepReport> LearnEncoded(const EncodedExamples& examples) override;
  absl::StatusOr<std::vector<NamedMatrix>> Matrices() const override;
  absl::Status ExportWeights(const std::filesystem::path& file) const override;

  // Fills a fresh learner from a checkpoint. by_name: one of another model file is taken over as far as it fits. Errors
  // as LoadLearner().
  struct Restored {
    uint64_t log_offset = 0;
    std::vector<std::string> changes;  // As LoadedLearner::changes.
  };
  absl::StatusOr<Restored> Restore(const StoredCheckpoint& stored, bool by_name);

 private:
  absl::StatusOr<Restored> RestoreAll(const StoredCheckpoint& stored, bool by_name);
  void ForgetChangedLosses(const StoredCheckpoint& stored);

  // What a step computed on its way: the scores before the update.
  struct ForwardPass {
    std::vector<WantedTask> wanted;
    std::vector<torch::Tensor> logits;  // [wanted]
  };

  StepReport StepOrThrow(absl::Span<const ExampleSlice> slices);
  StepReport LearnBatch(const EncodedBatch& batch, const std::vector<TaskLabels>& labels, ForwardPass& forward);
  std::vector<LossTerm> TaskLosses(const std::vector<TaskLabels>& labels, const ForwardPass& forward) const;
  std::vector<WantedTask> ChooseRows(const std::vector<TaskLabels>& labels, int64_t rows) const;
  bool GradientsAreFinite(const std::vector<torch::Tensor>& values) const;
  void Evaluate(const EvaluatedRows& rows, const ForwardPass& forward);
  void FitCalibrations(absl::Span<const int32_t> scenes, const std::vector<TaskLabels>& labels,
                       const ForwardPass& forward);
  void Update(const std::vector<GroupRows>& rows, const std::vector<torch::Tensor>& values);
  void UpdateRows(int g, const GroupRows& group, const torch::Tensor& values, const torch::Tensor& gradients);
  void FinishStep(absl::Span<const ExampleSlice> slices);

  CheckpointContents FreezeState(uint64_t log_offset, bool full);
  bool FullIsDue() const;
  absl::Status CheckHashKey(const StoredCheckpoint& stored) const;
  absl::StatusOr<uint64_t> RestoreCounters(const StoredCheckpoint& stored);
  absl::Status RestoreDense(const CheckpointReader& state);
  absl::Status RestoreBalance(const CheckpointReader& state, const ModelSpec& from);
  absl::Status RestoreCalibrations(const CheckpointReader& state, const ModelSpec& from);
  absl::Status RestoreEvaluations(const CheckpointReader& state, bool with_sums);
  absl::Status RestoreRows(const StoredCheckpoint& stored);
  absl::Status RestoreBlock(const RowBlock& block);
  absl::Status RestoreLife(const CheckpointReader& state, bool with_hands);

  absl::StatusOr<std::vector<std::string>> RestoreByName(const StoredCheckpoint& stored, const ModelSpec& old);
  absl::Status MoveDense(const CheckpointReader& state, const ModelSpec& old);
  absl::Status MoveStatistics(const CheckpointReader& state, const SchemaChange& change);
  absl::Status MoveRows(const StoredCheckpoint& stored, const ModelSpec& old, const SchemaChange& change);

  const std::shared_ptr<const ModelSpec> spec_;
  const LearnerOptions options_;
  const torch::Device device_;
  const FeatureEncoder encoder_;
  const std::shared_ptr<BetweenPieces> between_pieces_ = std::make_shared<BetweenPieces>();
  const std::unique_ptr<Network> network_;
  const std::shared_ptr<const CompiledNetwork> compiled_;  // Null: LibTorch serves.
  TrainedParameters parameters_;
  JointLoss joint_loss_;
  DenseOptimizer dense_optimizer_;
  EmbeddingTables tables_;
  std::vector<std::unique_ptr<const RowOptimizer>> row_optimizers_;  // [groups of tables_]
  FeatureStatistics statistics_;
  Calibrations calibrations_;
  EvaluationWindow window_;
  EvaluationWindow served_window_;
  FadingEvaluation fading_;
  ProducerEvaluations opened_;
  DriftMonitor drift_;
  LearnerCounters counters_;

  bool checkpointing_ = false;     // A job is out.
  std::vector<StoredFile> chain_;  // Row files of the last checkpoint written or loaded; none: the next is full.
  std::filesystem::path chain_directory_;  // Where they are.

  EncodedBatch batch_;              // These two are filled anew each step; kept for their memory.
  std::vector<TaskLabels> labels_;  // [tasks]
};

}  // namespace polyscene
