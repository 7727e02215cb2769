#include "model/balance/joint_loss.h"

#include <torch/torch.h>

#include <cstring>
#include <limits>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "model/balance/pcgrad.h"
#include "model/balance/separate_gradients.h"
#include "model/network/parameter_roles.h"

namespace polyscene {
namespace {

constexpr char kSections[] = "balance.";
constexpr char kTaskGradients[] = "balance.task_gradients";
constexpr char kSceneGradients[] = "balance.scene_gradients";

std::vector<torch::Tensor> LossesOf(const std::vector<LossTerm>& terms) {
  std::vector<torch::Tensor> losses;
  for (const LossTerm& term : terms) losses.push_back(term.loss);
  return losses;
}

std::vector<int> IndexesOf(const std::vector<LossTerm>& terms) {
  std::vector<int> indexes;
  for (const LossTerm& term : terms) indexes.push_back(term.index);
  return indexes;
}

std::string BytesOf(const std::vector<double>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double));
}

}  // namespace

JointLoss::JointLoss(std::shared_ptr<const ModelSpec> spec, const ParameterLayout& layout)
    : spec_(std::move(spec)),
      pcgrad_(spec_->file().loss_balance().pcgrad()),
      measure_every_steps_(spec_->file().loss_balance().measure_every_steps()),
      balance_(CreateLossBalance(*spec_)),
      tasks_(static_cast<int>(spec_->tasks().size())),
      scenes_(static_cast<int>(spec_->scenes().size())) {
  for (size_t i = 0; i < layout.specs().size(); ++i) {
    if (IsShared(layout.specs()[i])) shared_.push_back(static_cast<int>(i));
  }
}

bool JointLoss::MeasuringIsDue(uint64_t step) const {
  return measure_every_steps_ > 0 && step % static_cast<uint64_t>(measure_every_steps_) == 0;
}

std::vector<double> JointLoss::TaskWeights() const {
  std::vector<double> weights = balance_->Weights();
  for (size_t t = 0; t < weights.size(); ++t) weights[t] *= spec_->tasks()[t].weight;
  return weights;
}

std::vector<torch::Tensor> JointLoss::SharedWeights(const TrainedWeights& weights) const {
  std::vector<torch::Tensor> leaves = weights.rows;
  for (const int i : shared_) leaves.push_back(weights.parameters.leaves[i]);
  return leaves;
}

torch::Tensor JointLoss::Backward(uint64_t step, const std::vector<LossTerm>& tasks,
                                  const std::function<std::vector<LossTerm>(const std::vector<double>&)>& scenes,
                                  const TrainedWeights& weights) {
  last_ = Step();
  last_.number = step;
  const std::vector<double> task_weights = TaskWeights();
  torch::Tensor joint;
  for (const LossTerm& task : tasks) {
    const torch::Tensor weighted = task.loss * task_weights[task.index];
    joint = joint.defined() ? joint + weighted : weighted;
  }
  const std::vector<torch::Tensor> shared = SharedWeights(weights);
  const bool measure = MeasuringIsDue(step);
  if (measure) {
    const std::vector<LossTerm> terms = scenes(task_weights);
    last_.scenes = {IndexesOf(terms), SeparateGradients(LossesOf(terms), shared).Products()};
  }
  std::optional<SeparateGradients> gradients;
  if (measure || pcgrad_ || balance_->TakesNorms(step)) {
    gradients.emplace(LossesOf(tasks), shared);
    last_.tasks = {IndexesOf(tasks), gradients->Products()};
  }
  weights.parameters.flat_gradient.zero_();
  joint.backward();
  if (pcgrad_) ReplaceByProjected(*gradients, task_weights, shared);
  return joint;
}

void JointLoss::ReplaceByProjected(const SeparateGradients& gradients, const std::vector<double>& task_weights,
                                   const std::vector<torch::Tensor>& shared) const {
  // Tasks conflict with the weights they have, so the projections see them weighted.
  const int count = static_cast<int>(last_.tasks.indexes.size());
  std::vector<double> weight;
  for (const int task : last_.tasks.indexes) weight.push_back(task_weights[task]);
  GradientProducts weighted(count);
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j < count; ++j) weighted.At(i, j) = weight[i] * weight[j] * last_.tasks.products.At(i, j);
  }
  std::vector<double> factors = ProjectConflicts(weighted, spec_->file().seed(), last_.number);
  for (int i = 0; i < count; ++i) factors[i] *= weight[i];

  const torch::NoGradGuard no_grad;
  for (size_t w = 0; w < shared.size(); ++w) {
    const torch::Tensor sum = gradients.Sum(w, factors);
    if (sum.defined()) shared[w].grad().copy_(sum);  // Of a parameter it is a view into the flat gradient.
  }
}

void JointLoss::Commit(const std::vector<double>& losses) {
  std::vector<double> norms;
  if (balance_->TakesNorms(last_.number)) {
    norms.assign(losses.size(), std::numeric_limits<double>::quiet_NaN());
    for (size_t i = 0; i < last_.tasks.indexes.size(); ++i) {
      norms[last_.tasks.indexes[i]] = last_.tasks.products.Norm(static_cast<int>(i));
    }
  }
  balance_->Update(last_.number, losses, norms);
  if (!MeasuringIsDue(last_.number)) return;
  tasks_.Add(last_.tasks.indexes, last_.tasks.products);
  scenes_.Add(last_.scenes.indexes, last_.scenes.products);
}

BalanceFigures JointLoss::figures() const { return {TaskWeights(), tasks_.figures(), scenes_.figures()}; }

bool JointLoss::IsSection(absl::string_view name) { return absl::StartsWith(name, kSections); }

std::vector<JointLoss::Section> JointLoss::Serialize() const {
  std::vector<Section> sections;
  for (const TaskNumbers& numbers : balance_->State()) {
    sections.push_back({absl::StrCat(kSections, numbers.name), BytesOf(*numbers.values)});
  }
  if (!tasks_.empty()) sections.push_back({kTaskGradients, tasks_.Serialize()});
  if (!scenes_.empty()) sections.push_back({kSceneGradients, scenes_.Serialize()});
  return sections;
}

absl::Status JointLoss::Restore(absl::string_view name, absl::string_view bytes, const ModelSpec& from) {
  std::vector<int> task_places;
  for (const TaskSpec& task : from.tasks()) task_places.push_back(spec_->FindTask(task.name));
  if (name == kTaskGradients) return tasks_.Restore(bytes, task_places);
  if (name == kSceneGradients) {
    std::vector<int> scene_places;
    for (const SceneSpec& scene : from.scenes()) scene_places.push_back(spec_->FindScene(scene.name));
    return scenes_.Restore(bytes, scene_places);
  }
  for (const TaskNumbers& numbers : balance_->State()) {
    if (name != absl::StrCat(kSections, numbers.name)) continue;
    if (bytes.size() != task_places.size() * sizeof(double)) {
      return absl::DataLossError(absl::StrCat("checkpoint: section '", name, "' has ", bytes.size(),
                                              " bytes, expected ", task_places.size() * sizeof(double)));
    }
    for (size_t t = 0; t < task_places.size(); ++t) {
      if (task_places[t] < 0) continue;
      std::memcpy(&(*numbers.values)[task_places[t]], bytes.data() + t * sizeof(double), sizeof(double));
    }
  }
  return absl::OkStatus();  // Another kind's.
}

}  // namespace polyscene
