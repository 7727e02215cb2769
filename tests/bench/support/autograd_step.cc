#include "tests/bench/support/autograd_step.h"

#include <torch/torch.h>

#include <tuple>

namespace polyscene {
namespace {

constexpr int64_t kDimension = 16;
constexpr int64_t kInputs = 20 * kDimension + 10;
constexpr int kScenes = 3;
constexpr int kTasks = 3;  // Of a scene.
constexpr int kExperts = 4;
constexpr double kRowRate = 0.1;
constexpr double kDenseRate = 0.001;

}  // namespace

struct AutogradStep::Network {
  std::vector<torch::nn::Sequential> experts;
  std::vector<torch::nn::Linear> gates;       // [scenes x tasks]
  std::vector<torch::nn::Sequential> towers;  // Likewise.
  std::unique_ptr<torch::optim::Adam> optimizer;

  Network() {
    std::vector<torch::Tensor> weights;
    const auto add = [&](const auto& module) {
      for (const torch::Tensor& weight : module->parameters()) weights.push_back(weight);
      return module;
    };
    for (int e = 0; e < kExperts; ++e) {
      experts.push_back(add(torch::nn::Sequential(torch::nn::Linear(kInputs, 256), torch::nn::ReLU(),
                                                  torch::nn::Linear(256, 128), torch::nn::ReLU())));
    }
    for (int t = 0; t < kScenes * kTasks; ++t) {
      gates.push_back(add(torch::nn::Linear(kInputs, kExperts)));
      towers.push_back(
          add(torch::nn::Sequential(torch::nn::Linear(128, 64), torch::nn::ReLU(), torch::nn::Linear(64, 1))));
    }
    optimizer = std::make_unique<torch::optim::Adam>(weights, torch::optim::AdamOptions(kDenseRate));
  }

  // The sum of the mean losses of the scene's tasks.
  torch::Tensor Loss(const torch::Tensor& inputs, const AutogradBatch& batch) {
    std::vector<torch::Tensor> outputs;
    for (torch::nn::Sequential& expert : experts) outputs.push_back(expert->forward(inputs));
    const torch::Tensor all = torch::stack(outputs, 1);  // [batch, experts, 128]
    torch::Tensor sum;
    for (int task = 0; task < kTasks; ++task) {
      const int tower = batch.scene * kTasks + task;
      const torch::Tensor shares = gates[tower]->forward(inputs).softmax(1).unsqueeze(1);
      const torch::Tensor mixed = torch::bmm(shares, all).squeeze(1);
      const torch::Tensor logits = towers[tower]->forward(mixed).squeeze(1);
      const torch::Tensor loss = torch::binary_cross_entropy_with_logits(logits, batch.labels[task]);
      sum = sum.defined() ? sum + loss : loss;
    }
    return sum;
  }
};

AutogradStep::AutogradStep(int64_t table_rows)
    : network_(std::make_unique<Network>()),
      table_(torch::randn({table_rows, kDimension}) * 0.01),
      accumulators_(torch::full({table_rows}, 0.1)) {}

AutogradStep::~AutogradStep() = default;

double AutogradStep::Learn(const AutogradBatch& batch) {
  torch::Tensor distinct, place;
  std::tie(distinct, place, std::ignore) = torch::_unique2(batch.rows, /*sorted=*/false, /*return_inverse=*/true);
  torch::Tensor values = table_.index_select(0, distinct).requires_grad_(true);
  const torch::Tensor embeddings = values.index_select(0, place.view(-1)).view({batch.rows.size(0), -1});
  const torch::Tensor loss = network_->Loss(torch::cat({embeddings, batch.numbers}, 1), batch);
  network_->optimizer->zero_grad();
  loss.backward();
  network_->optimizer->step();

  const torch::NoGradGuard no_grad;
  const torch::Tensor gradients = values.grad();
  const torch::Tensor sums = accumulators_.index_select(0, distinct) + gradients.square().mean(1);
  accumulators_.index_copy_(0, distinct, sums);
  table_.index_copy_(0, distinct, values.detach() - kRowRate * gradients / sums.sqrt().unsqueeze(1));
  return loss.item<double>();
}

}  // namespace polyscene
