#include "model/learning/torch_learner.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "model/compiled/compiled_network.h"
#include "model/device/device_queue.h"
#include "model/feature/label_scale.h"
#include "model/fused/fused_network.h"
#include "model/learning/scene_losses.h"
#include "model/loss/calibrated_logits.h"
#include "model/loss/label_loss.h"
#include "model/loss/row_loss.h"
#include "model/loss/task_loss.h"
#include "model/serving/evaluation_layout.h"
#include "model/serving/torch_snapshot.h"
#include "model/tensor/catch_torch.h"

namespace polyscene {
namespace {

// From this share of labels on, all tasks are computed for all rows in batched products and missing labels masked: that
// is faster than towers one by one on their own rows.
constexpr double kBatchedShare = 0.6;

DriftOptions DriftOptionsOf(const ModelSpec& spec) {
  const v1::DriftDetection& drift = spec.file().learning().drift();
  const v1::PageHinkley& test = drift.page_hinkley();
  return {!drift.has_none(), test.tolerance(), test.threshold(), test.minimum_rows()};
}

}  // namespace

TorchLearner::TorchLearner(std::shared_ptr<const ModelSpec> spec, LearnerOptions options)
    : spec_(std::move(spec)),
      options_(std::move(options)),
      device_(options_.device),
      encoder_(spec_, options_.key),
      network_(CreateTrainedNetwork(*spec_, InputWidth(*spec_), between_pieces_)),
      // What it cannot do LibTorch does: DescribeForward() says which and why.
      compiled_(options_.serves && device_.is_cpu()
                    ? CompiledNetwork::CreateForServing(spec_, network_->layout()).value_or(nullptr)
                    : nullptr),
      parameters_(network_->layout(), network_->layout().InitialValues(spec_->file().seed()).to(device_)),
      joint_loss_(spec_, network_->layout()),
      dense_optimizer_(spec_->file().dense_optimizer(), network_->layout(), parameters_.flat),
      tables_(spec_, device_),
      statistics_(spec_->statistics_count()),
      calibrations_(*spec_),
      window_(LayoutOf(*spec_), spec_->file().learning().evaluation_window_rows()),
      served_window_(LayoutOf(*spec_), spec_->file().learning().evaluation_window_rows()),
      fading_(LayoutOf(*spec_), spec_->file().learning().evaluation_window_rows()),
      opened_(LayoutOf(*spec_)),
      drift_(LayoutOf(*spec_), DriftOptionsOf(*spec_)) {
  for (int g = 0; g < tables_.group_count(); ++g) {
    row_optimizers_.push_back(CreateRowOptimizer(spec_->tables()[tables_.group(g).tables[0]].optimizer));
  }
  if (compiled_ != nullptr && options_.warm) compiled_->Warm();
}

absl::StatusOr<StepReport> TorchLearner::Step(absl::Span<const ExampleSlice> slices) {
  return CatchTorch(absl::StrCat("step ", counters_.step + 1), [&] { return StepOrThrow(slices); });
}

StepReport TorchLearner::StepOrThrow(absl::Span<const ExampleSlice> slices) {
  batch_.Clear();
  for (const ExampleSlice& slice : slices) {
    encoder_.AppendLearnedRows(statistics_, spec_->FindScene(slice.examples->scene), slice.examples->features,
                               slice.begin, slice.end, counters_.rows_learned + static_cast<uint64_t>(batch_.rows),
                               batch_);
  }
  CollectLabels(*spec_, slices, labels_);
  (*between_pieces_)();
  ForwardPass forward;
  const StepReport report = LearnBatch(batch_, labels_, forward);
  (*between_pieces_)();
  const EvaluatedRows rows(*spec_, slices, labels_, opened_);
  if (!report.passed_over) {
    Evaluate(rows, forward);
    FitCalibrations(batch_.scenes, labels_, forward);
  }
  (*between_pieces_)();
  rows.AddServed(served_window_);
  ObserveLabels(*spec_, labels_, statistics_);
  FinishStep(slices);
  return report;
}

absl::StatusOr<StepReport> TorchLearner::LearnEncoded(const EncodedExamples& examples) {
  return CatchTorch(absl::StrCat("step ", counters_.step + 1), [&] {
    ForwardPass forward;
    const StepReport report = LearnBatch(examples.inputs, examples.labels, forward);
    if (!report.passed_over) FitCalibrations(examples.inputs.scenes, examples.labels, forward);
    counters_.rows_learned += static_cast<uint64_t>(examples.rows());
    for (const int64_t time : examples.event_times_micros) {
      counters_.learned_up_to_micros = std::max(counters_.learned_up_to_micros, time);
    }
    ++counters_.step;
    return report;
  });
}

StepReport TorchLearner::LearnBatch(const EncodedBatch& batch, const std::vector<TaskLabels>& labels,
                                    ForwardPass& forward) {
  at::set_num_threads(options_.threads);
  StepReport report;
  report.step = counters_.step + 1;
  report.rows = batch.rows;
  report.task_losses.assign(spec_->tasks().size(), std::numeric_limits<double>::quiet_NaN());

  std::vector<GroupRows> rows = tables_.Resolve(batch);
  (*between_pieces_)();
  std::vector<torch::Tensor> values;  // Leaves, one a group: [distinct rows, dimension].
  for (int g = 0; g < tables_.group_count(); ++g) {
    values.push_back(tables_.Gather(g, rows[g]).requires_grad_(true));
  }
  (*between_pieces_)();
  const torch::Tensor embeddings = tables_.Assemble(rows, values, batch.rows, network_->Attention(parameters_.leaves));
  const torch::Tensor inputs = NetworkInputs(embeddings, batch, spec_->dense_width(), device_);
  forward.wanted = ChooseRows(labels, batch.rows);
  if (!forward.wanted.empty()) {
    forward.logits = network_->Forward(parameters_.leaves, inputs, batch.scenes, forward.wanted);
  }

  const std::vector<LossTerm> losses = TaskLosses(labels, forward);
  const uint64_t rows_learned = counters_.rows_learned + static_cast<uint64_t>(batch.rows);
  if (losses.empty()) {
    tables_.Admit(rows, batch.rows, rows_learned);
    return report;
  }
  const auto scene_losses = [&](const std::vector<double>& task_weights) {
    return SceneLosses(*spec_, statistics_, batch.scenes, labels, forward.wanted, forward.logits, task_weights);
  };
  const torch::Tensor joint = joint_loss_.Backward(report.step, losses, scene_losses, {parameters_, values});
  (*between_pieces_)();
  report.loss = joint.item<double>();
  for (const LossTerm& task : losses) report.task_losses[task.index] = task.loss.item<double>();
  report.passed_over = !std::isfinite(report.loss) || !GradientsAreFinite(values);
  tables_.Admit(rows, batch.rows, rows_learned);
  if (report.passed_over) return report;
  (*between_pieces_)();
  Update(rows, values);
  joint_loss_.Commit(report.task_losses);
  return report;
}

std::vector<LossTerm> TorchLearner::TaskLosses(const std::vector<TaskLabels>& labels,
                                               const ForwardPass& forward) const {
  std::vector<LossTerm> losses;
  for (size_t w = 0; w < forward.wanted.size(); ++w) {
    const int task = forward.wanted[w].task;
    if (labels[task].weighted == 0 || spec_->tasks()[task].evaluate_only) continue;
    const TaskSpec& of_task = spec_->tasks()[task];
    if (!HasScale(of_task, statistics_)) continue;
    losses.push_back({task, LabelLoss(of_task, ScaleOf(of_task, statistics_), labels[task], forward.wanted[w].rows,
                                      forward.logits[w])});
  }
  return losses;
}

bool TorchLearner::GradientsAreFinite(const std::vector<torch::Tensor>& values) const {
  // Squares, because the optimizers keep them: what overflows there would stay.
  if (!std::isfinite(parameters_.flat_gradient.square().sum().item<double>())) return false;
  for (const torch::Tensor& rows : values) {
    if (rows.grad().defined() && !std::isfinite(rows.grad().square().sum().item<double>())) return false;
  }
  return true;
}

std::vector<WantedTask> TorchLearner::ChooseRows(const std::vector<TaskLabels>& labels, int64_t rows) const {
  int64_t labelled = 0;
  for (const TaskLabels& task : labels) labelled += static_cast<int64_t>(task.labelled.size());
  std::vector<WantedTask> wanted;
  if (labelled == 0) return wanted;
  const bool batched =
      static_cast<double>(labelled) >= kBatchedShare * static_cast<double>(rows) * static_cast<double>(labels.size());
  for (int task = 0; task < static_cast<int>(labels.size()); ++task) {
    const std::vector<int64_t>& task_rows = labels[task].labelled;
    if (task_rows.empty()) continue;  // Absent: it costs nothing.
    WantedTask& want = wanted.emplace_back();
    want.task = task;
    if (!batched && static_cast<int64_t>(task_rows.size()) < rows) {
      want.rows = torch::tensor(task_rows, torch::kInt64);
    }
  }
  return wanted;
}

void TorchLearner::Update(const std::vector<GroupRows>& rows, const std::vector<torch::Tensor>& values) {
  const torch::NoGradGuard no_grad;
  dense_optimizer_.Step(parameters_.flat, parameters_.flat_gradient, counters_.step + 1);
  (*between_pieces_)();
  for (int g = 0; g < tables_.group_count(); ++g) {
    if (!values[g].grad().defined()) continue;
    UpdateRows(g, rows[g], values[g].detach(), values[g].grad());
  }
}

void TorchLearner::UpdateRows(int g, const GroupRows& group, const torch::Tensor& values,
                              const torch::Tensor& gradients) {
  if (group.missing.empty()) {
    row_optimizers_[g]->Step(tables_.store(g), group.rows, values, gradients);
    return;
  }
  // What has no row learns nothing.
  std::vector<uint32_t> rows;
  std::vector<int64_t> places;
  for (size_t n = 0; n < group.rows.size(); ++n) {
    if (group.rows[n] == kNoRow) continue;
    rows.push_back(group.rows[n]);
    places.push_back(static_cast<int64_t>(n));
  }
  if (rows.empty()) return;
  const torch::Tensor index = torch::tensor(places, torch::kInt64).to(values.device());
  row_optimizers_[g]->Step(tables_.store(g), rows, values.index_select(0, index), gradients.index_select(0, index));
}

void TorchLearner::Evaluate(const EvaluatedRows& rows, const ForwardPass& forward) {
  const torch::NoGradGuard no_grad;
  std::vector<float> label;
  for (size_t w = 0; w < forward.wanted.size(); ++w) {
    const WantedTask& want = forward.wanted[w];
    const int t = want.task;
    const TaskSpec& task = spec_->tasks()[t];
    const LabelScale scale = ScaleOf(task, statistics_);
    const torch::Tensor logits =
        CalibratedLogits(*spec_, calibrations_, want, batch_.scenes, forward.logits[w].detach());
    const torch::Tensor scores = EvaluatedScores(task, scale, logits).contiguous().to(torch::kCPU);
    const float* all_scores = scores.data_ptr<float>();
    for (size_t i = 0; i < labels_[t].labelled.size(); ++i) {
      const int64_t row = labels_[t].labelled[i];
      if (rows.corrects(row)) continue;
      const int64_t score_row = want.rows.defined() ? static_cast<int64_t>(i) : row;
      const absl::Span<const float> score(all_scores + score_row * task.outputs, task.outputs);
      rows.LabelOf(t, row, label);
      window_.Add(batch_.scenes[row], t, score, label);
      fading_.Add(batch_.scenes[row], t, score, label);
      drift_.Add(batch_.scenes[row], t, RowLoss(task, scale, score, label), rows.event_micros(row));
      if (ProducerEvaluations::Opened* opened = rows.opened(row); opened != nullptr) {
        opened->learned.Add(batch_.scenes[row], t, score, label);
      }
    }
  }
}

// To the logits as they were evaluated, before the update.
void TorchLearner::FitCalibrations(absl::Span<const int32_t> scenes, const std::vector<TaskLabels>& labels,
                                   const ForwardPass& forward) {
  if (calibrations_.empty()) return;
  const torch::NoGradGuard no_grad;
  for (size_t w = 0; w < forward.wanted.size(); ++w) {
    const WantedTask& want = forward.wanted[w];
    const double half_life = spec_->tasks()[want.task].platt_half_life;
    if (half_life <= 0) continue;
    const torch::Tensor logits = forward.logits[w].detach().contiguous().to(torch::kCPU);
    const TaskLabels& of_task = labels[want.task];
    std::vector<std::vector<PlattScaling::Row>> rows(spec_->scenes().size());
    for (size_t i = 0; i < of_task.labelled.size(); ++i) {
      const int64_t row = of_task.labelled[i];
      const float logit = logits.data_ptr<float>()[want.rows.defined() ? static_cast<int64_t>(i) : row];
      if (of_task.weights[row] == 0) continue;
      rows[scenes[row]].push_back({logit, of_task.values[row] > 0.5f, of_task.weights[row]});
    }
    for (size_t scene = 0; scene < rows.size(); ++scene) {
      if (!rows[scene].empty()) calibrations_.At(static_cast<int>(scene), want.task).Fit(rows[scene], half_life);
    }
  }
}

void TorchLearner::FinishStep(absl::Span<const ExampleSlice> slices) {
  for (const ExampleSlice& slice : slices) {
    encoder_.Observe(spec_->FindScene(slice.examples->scene), slice.examples->features, slice.begin, slice.end,
                     statistics_);
    counters_.rows_learned += static_cast<uint64_t>(slice.end - slice.begin);
    for (int64_t r = slice.begin; r < slice.end && !slice.examples->event_times_micros.empty(); ++r) {
      counters_.learned_up_to_micros = std::max(counters_.learned_up_to_micros, slice.examples->event_times_micros[r]);
    }
  }
  ++counters_.step;
}

void TorchLearner::OpenEvaluation(absl::string_view producer, int64_t from_micros) {
  opened_.Open(producer, from_micros);
}

void TorchLearner::ClearEvaluations() {
  opened_.Clear();
  window_.Clear();
  fading_.Clear();
  drift_.Clear();
  served_window_.Clear();
}

absl::StatusOr<std::shared_ptr<const Snapshot>> TorchLearner::MakeSnapshot(uint64_t version, uint64_t learned_offset) {
  return CatchTorch("snapshot", [&]() -> std::shared_ptr<const Snapshot> {
    SnapshotInfo info;
    info.version = version;
    info.rows_learned = counters_.rows_learned;
    info.learned_offset = learned_offset;
    info.learned_up_to_micros = counters_.learned_up_to_micros;
    info.published_at = absl::Now();
    const torch::NoGradGuard no_grad;
    const torch::Tensor dense = parameters_.flat.clone();
    CompiledWeights compiled;
    if (compiled_ != nullptr) compiled = {compiled_, compiled_->Pack(dense.data_ptr<float>())};
    WaitForOwnWork(device_);  // Serving reads it in queues of its own, which do not wait for this thread's work.
    return std::make_shared<TorchSnapshot>(info, network_->layout(), dense, tables_.Freeze(), statistics_,
                                           calibrations_, std::move(compiled));
  });
}

std::vector<TableRows> TorchLearner::tables() const {
  std::vector<TableRows> rows;
  for (size_t t = 0; t < spec_->tables().size(); ++t) {
    const TableLife life = tables_.table_life(static_cast<int>(t));
    rows.push_back({spec_->tables()[t].name, life.rows, life.waiting, life.expired, life.evicted});
  }
  return rows;
}

}  // namespace polyscene
