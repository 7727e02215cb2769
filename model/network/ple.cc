#include "model/network/ple.h"

#include <torch/torch.h>

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

// Sums experts [experts, rows, width] by their shares [rows, experts].
torch::Tensor WeightedSum(const torch::Tensor& experts, const torch::Tensor& shares) {
  if (experts.size(0) == 1) return experts.select(0, 0) * shares;
  return (experts * shares.transpose(0, 1).unsqueeze(2)).sum(0);
}

std::vector<int64_t> Widths(const v1::Ple& ple) { return {ple.hidden().begin(), ple.hidden().end()}; }

}  // namespace

CgcLayer::CgcLayer(ParameterLayout& layout, int number, const v1::Network& network, int64_t tasks, int64_t inputs)
    : tasks_(tasks),
      shared_count_(network.ple().shared_experts()),
      task_count_(network.ple().task_experts()),
      shared_(layout, absl::StrCat("shared_expert.", number), shared_count_, inputs, Widths(network.ple()),
              SkipOf(network), number == 0 ? ParameterAxis::kInputs : ParameterAxis::kPlain),
      task_experts_(layout, absl::StrCat("task_expert.", number), tasks * task_count_, inputs, Widths(network.ple()),
                    SkipOf(network), ParameterAxis::kTasks,
                    number == 0 ? ParameterAxis::kInputs : ParameterAxis::kPlain),
      gates_(layout, absl::StrCat("gate.", number), tasks, inputs, task_count_ + shared_count_, ParameterAxis::kTasks,
             number == 0 ? ParameterAxis::kInputs : ParameterAxis::kPlain) {
  if (number + 1 == network.ple().layers()) return;
  const ParameterAxis input_axis = number == 0 ? ParameterAxis::kInputs : ParameterAxis::kPlain;
  const std::string gate = absl::StrCat("shared_gate.", number);
  shared_gate_to_tasks_ =
      AddLinear(layout, gate + ".to_tasks", inputs, tasks * task_count_, {input_axis, ParameterAxis::kTasks});
  shared_gate_to_shared_ = AddLinear(layout, gate + ".to_shared", inputs, shared_count_, {input_axis});
}

CgcLayer::Streams CgcLayer::ForwardAll(const Weights& weights, const Streams& inputs) const {
  const int64_t rows = inputs.shared.size(0);
  const int64_t width = inputs.shared.size(1);
  const torch::Tensor shared = shared_.Forward(weights, inputs.shared);  // [rows, shared experts, width]
  // Each task's stream once for each of its experts.
  const torch::Tensor by_expert = inputs.tasks.unsqueeze(1).expand({-1, task_count_, -1, -1});
  const torch::Tensor own = task_experts_.Forward(weights, by_expert.reshape({tasks_ * task_count_, rows, width}));
  const torch::Tensor shares = gates_.Forward(weights, inputs.tasks).softmax(2);  // [tasks, rows, own + shared]

  const torch::Tensor own_shares = shares.narrow(2, 0, task_count_);
  const torch::Tensor by_task = own.view({tasks_, task_count_, rows, outputs()});
  const torch::Tensor from_own = (by_task * own_shares.transpose(1, 2).unsqueeze(3)).sum(1);
  const torch::Tensor from_shared = torch::bmm(shares.narrow(2, task_count_, shared_count_).transpose(0, 1), shared);
  Streams outputs;
  outputs.tasks = from_own + from_shared.transpose(0, 1);
  if (shared_gate_to_shared_.weight >= 0) outputs.shared = SharedStream(weights, inputs.shared, shared, own);
  return outputs;
}

torch::Tensor CgcLayer::SharedStream(const Weights& weights, const torch::Tensor& inputs, const torch::Tensor& shared,
                                     const torch::Tensor& own) const {
  const torch::Tensor shares =
      torch::cat({shared_gate_to_tasks_.Forward(weights, inputs), shared_gate_to_shared_.Forward(weights, inputs)}, 1)
          .softmax(1);
  const int64_t from_tasks = tasks_ * task_count_;
  return WeightedSum(own, shares.narrow(1, 0, from_tasks)) +
         WeightedSum(shared.transpose(0, 1), shares.narrow(1, from_tasks, shared_count_));
}

std::vector<torch::Tensor> CgcLayer::ForwardWanted(const Weights& weights, const Streams& inputs,
                                                   absl::Span<const WantedTask> wanted) const {
  const torch::Tensor shared = shared_.Forward(weights, inputs.shared);
  const std::vector<torch::Tensor> streams = inputs.tasks.unbind(0);
  std::vector<torch::Tensor> outputs;
  for (const WantedTask& want : wanted) {
    const torch::Tensor stream = SelectRows(streams[want.task], want);
    const torch::Tensor shares = gates_.ForwardOne(weights, want.task, stream).softmax(1);
    torch::Tensor mixed =
        WeightedSum(SelectRows(shared, want).transpose(0, 1), shares.narrow(1, task_count_, shared_count_));
    for (int64_t i = 0; i < task_count_; ++i) {
      const torch::Tensor own = task_experts_.ForwardOne(weights, want.task * task_count_ + i, stream);
      mixed = mixed + own * shares.narrow(1, i, 1);
    }
    outputs.push_back(mixed);
  }
  return outputs;
}

Ple::Ple(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs)
    : tasks_(static_cast<int64_t>(spec.towers().size())) {
  const v1::Network& network = spec.file().network();
  for (int number = 0; number < network.ple().layers(); ++number) {
    layers_.emplace_back(layout, number, network, tasks_, inputs);
    inputs = layers_.back().outputs();
  }
}

CgcLayer::Streams Ple::BeforeLast(const Weights& weights, const torch::Tensor& inputs) const {
  CgcLayer::Streams streams{inputs.unsqueeze(0).expand({tasks_, -1, -1}), inputs};
  for (size_t i = 0; i + 1 < layers_.size(); ++i) streams = layers_[i].ForwardAll(weights, streams);
  return streams;
}

torch::Tensor Ple::ForwardAll(const Weights& weights, const torch::Tensor& inputs) const {
  return layers_.back().ForwardAll(weights, BeforeLast(weights, inputs)).tasks;
}

std::vector<torch::Tensor> Ple::ForwardWanted(const Weights& weights, const torch::Tensor& inputs,
                                              absl::Span<const WantedTask> wanted) const {
  return layers_.back().ForwardWanted(weights, BeforeLast(weights, inputs), wanted);
}

}  // namespace polyscene
