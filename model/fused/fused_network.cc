#include "model/fused/fused_network.h"

#include <torch/csrc/autograd/function.h>
#include <torch/torch.h>

#include <mutex>
#include <type_traits>
#include <utility>

#include "model/fused/fused_pass.h"
#include "model/fused/fused_programs.h"

namespace polyscene {

// A pass belongs to the graph that its logits hang on, and comes back when that is gone. Any thread.
class FusedNetwork::Passes {
 public:
  Passes(const ModelSpec& spec, const ParameterLayout& layout, std::shared_ptr<const BetweenPieces> between_pieces)
      : layout_(layout),
        programs_(spec, layout),
        between_pieces_(between_pieces != nullptr ? std::move(between_pieces) : std::make_shared<BetweenPieces>()) {}

  std::unique_ptr<FusedPass> Take() {
    const std::lock_guard<std::mutex> lock(mu_);
    if (idle_.empty()) return std::make_unique<FusedPass>(programs_, layout_, *between_pieces_);
    std::unique_ptr<FusedPass> pass = std::move(idle_.back());
    idle_.pop_back();
    return pass;
  }
  void GiveBack(std::unique_ptr<FusedPass> pass) {
    const std::lock_guard<std::mutex> lock(mu_);
    idle_.push_back(std::move(pass));
  }
  const ParameterLayout& layout() const { return layout_; }
  const FusedPrograms& programs() const { return programs_; }

 private:
  const ParameterLayout layout_;
  const FusedPrograms programs_;
  const std::shared_ptr<const BetweenPieces> between_pieces_;
  std::mutex mu_;
  std::vector<std::unique_ptr<FusedPass>> idle_;  // They borrow the three.
};

namespace {

using torch::autograd::variable_list;

// The way back in autograd's graph: from the logits to the inputs and the parameters, in this order.
class FusedBackward : public torch::autograd::Node {
 public:
  FusedBackward(std::unique_ptr<FusedPass> pass, std::shared_ptr<FusedNetwork::Passes> passes)
      : pass_(std::move(pass)), passes_(std::move(passes)) {}
  ~FusedBackward() override { GiveBack(); }

  variable_list apply(variable_list&& logits) override {
    TORCH_CHECK(pass_ != nullptr, "backward through a fused network whose pass was given back");
    TORCH_CHECK(!torch::GradMode::is_enabled(), "the gradients of a fused network have none of their own");
    const FusedPass::Gradients gradients = pass_->Backward(logits);
    variable_list all{gradients.inputs};
    for (const ParameterSpec& spec : passes_->layout().specs()) {
      all.push_back(gradients.flat.narrow(0, spec.offset, spec.count).view(spec.sizes));
    }
    return all;
  }

  void release_variables() override { GiveBack(); }

 private:
  void GiveBack() {
    if (pass_ != nullptr) passes_->GiveBack(std::move(pass_));
  }

  std::unique_ptr<FusedPass> pass_;
  const std::shared_ptr<FusedNetwork::Passes> passes_;
};

// A node as autograd owns it: by std::shared_ptr in LibTorch 1.13, by c10::intrusive_ptr in current 2.x. What only one
// of them knows is looked up where a type is put in, so that the other need not have it.
template <typename Made, typename Owner = decltype(torch::autograd::Edge::function), typename... Arguments>
Owner MakeNode(Arguments&&... arguments) {
  if constexpr (std::is_same_v<Owner, std::shared_ptr<torch::autograd::Node>>) {
    return Owner(new Made(std::forward<Arguments>(arguments)...), [](auto* node) { deleteNode(node); });
  } else {
    return c10::make_intrusive<Made>(std::forward<Arguments>(arguments)...);
  }
}

// Rows below which a program's products are so short that the reference, which runs scenes together where it can, and
// reads weights once, is faster.
constexpr size_t kLeastRows = 16;

}  // namespace

FusedNetwork::FusedNetwork(const ModelSpec& spec, std::unique_ptr<const Network> reference,
                           std::shared_ptr<const BetweenPieces> between_pieces)
    : Network(spec),
      reference_(std::move(reference)),
      passes_(std::make_shared<Passes>(spec, reference_->layout(), std::move(between_pieces))) {
  layout_ = reference_->layout();
  for (const int task : spec.towers()) tower_outputs_.push_back(spec.tasks()[task].outputs);
}

FusedNetwork::~FusedNetwork() = default;

bool FusedNetwork::WorthWhile(absl::Span<const int32_t> scenes) const {
  const FusedPrograms& programs = passes_->programs();
  std::vector<bool> met(programs.programs.size());
  size_t count = 0;
  for (const int32_t scene : scenes) {
    count += met[programs.program_of[scene]] ? 0 : 1;
    met[programs.program_of[scene]] = true;
  }
  return scenes.size() >= kLeastRows * count;
}

std::vector<torch::Tensor> FusedNetwork::Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                                 absl::Span<const int32_t> scenes,
                                                 absl::Span<const WantedTask> wanted) const {
  if (!torch::GradMode::is_enabled() || !inputs.is_cpu() || !WorthWhile(scenes)) {
    return reference_->Forward(parameters, inputs, scenes, wanted);
  }
  std::unique_ptr<FusedPass> pass = passes_->Take();
  // Views of one flat tensor, of which the first matrix is the beginning.
  const float* flat = parameters[0].data_ptr<float>();
  std::vector<torch::Tensor> logits = pass->Forward(flat, inputs, scenes, wanted, tower_outputs_);
  variable_list from{inputs};
  from.insert(from.end(), parameters.values.begin(), parameters.values.end());
  const auto backward = MakeNode<FusedBackward>(std::move(pass), passes_);
  backward->set_next_edges(torch::autograd::collect_next_edges(from));
  for (torch::Tensor& of_task : logits) torch::autograd::create_gradient_edge(of_task, backward);
  return logits;
}

std::unique_ptr<Network> CreateTrainedNetwork(const ModelSpec& spec, int64_t input_width) {
  return CreateTrainedNetwork(spec, input_width, nullptr);
}

std::unique_ptr<Network> CreateTrainedNetwork(const ModelSpec& spec, int64_t input_width,
                                              std::shared_ptr<const BetweenPieces> between_pieces) {
  return WithProducts(
      spec, std::make_unique<FusedNetwork>(spec, CreateTowerNetwork(spec, input_width), std::move(between_pieces)));
}

}  // namespace polyscene
