// From each task's loss to the gradient of all together, as LossBalance in model.proto asks for it.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/balance/balance_figures.h"
#include "model/balance/gradient_averages.h"
#include "model/balance/loss_balance.h"
#include "model/balance/separate_gradients.h"
#include "model/network/parameters.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// The loss of one task, or of one scene's rows: a scalar that its graph hangs on.
struct LossTerm {
  int index = 0;  // Into ModelSpec::tasks() or scenes().
  torch::Tensor loss;
};

// What a step's gradients are gradients of, and where they go.
struct TrainedWeights {
  TrainedParameters& parameters;
  const std::vector<torch::Tensor>& rows;  // Gathered embedding rows, one leaf a group.
};

// The joint loss is the sum of the tasks' losses, each times its weight of the model file and that of the balance.
// Shared weights are the dense ones that IsShared() tells, and the embedding rows.
//
// Every so many steps it also measures how the tasks' and the scenes' gradients agree. That goes beside the joint
// gradient, whose bits are the same without.
//
// Threads: one, the trainer.
class JointLoss {
 public:
  JointLoss(std::shared_ptr<const ModelSpec> spec, const ParameterLayout& layout);

  // Puts the gradient of step number `step` where the weights have theirs, over what was there, and returns the joint
  // loss. tasks: at least one, of one graph. scenes: asked for the scenes' losses of the same graph where they are to
  // be measured, given the tasks' weights [tasks]. Nothing of the step is remembered before Commit().
  torch::Tensor Backward(uint64_t step, const std::vector<LossTerm>& tasks,
                         const std::function<std::vector<LossTerm>(const std::vector<double>&)>& scenes,
                         const TrainedWeights& weights);

  // Takes the step of the last Backward() over: it was learned. losses: [tasks] as numbers, NaN where there was none.
  void Commit(const std::vector<double>& losses);

  BalanceFigures figures() const;

  // The state as sections of a checkpoint, by name.
  struct Section {
    std::string name;
    std::string bytes;
  };
  std::vector<Section> Serialize() const;
  static bool IsSection(absl::string_view name);

  // Takes over a section of a learner of the model `from`, whose tasks and scenes find their places here by name; one
  // that means nothing here is passed over. kDataLoss: it does not fit `from`.
  absl::Status Restore(absl::string_view name, absl::string_view bytes, const ModelSpec& from);

 private:
  // Gradients that were looked at on their own, and of which tasks or scenes they are.
  struct Looked {
    std::vector<int> indexes;
    GradientProducts products;
  };
  struct Step {  // What Backward() leaves to Commit().
    uint64_t number = 0;
    Looked tasks;   // Empty where nobody asks for it.
    Looked scenes;  // Likewise.
  };

  bool MeasuringIsDue(uint64_t step) const;
  // Each task's own weight times the balance's: [tasks].
  std::vector<double> TaskWeights() const;
  std::vector<torch::Tensor> SharedWeights(const TrainedWeights& weights) const;  // Rows, then parameters.
  // Puts the sum of the tasks' gradients without their conflicts where the shared weights have their gradients.
  void ReplaceByProjected(const SeparateGradients& gradients, const std::vector<double>& task_weights,
                          const std::vector<torch::Tensor>& shared) const;

  const std::shared_ptr<const ModelSpec> spec_;
  const bool pcgrad_;
  const int measure_every_steps_;  // Below 1: never.
  std::vector<int> shared_;        // Indexes of the layout's shared parameters.
  const std::unique_ptr<LossBalance> balance_;
  GradientAverages tasks_;
  GradientAverages scenes_;
  Step last_;
};

}  // namespace polyscene
