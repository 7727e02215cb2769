#include "model/network/single.h"

#include <torch/torch.h>

#include "absl/strings/str_cat.h"
#include "model/network/scene_parts.h"

namespace polyscene {
namespace {

std::vector<int64_t> Widths(const v1::Network& network) {
  std::vector<int64_t> widths(network.single().hidden().begin(), network.single().hidden().end());
  widths.insert(widths.end(), network.tower().begin(), network.tower().end());
  return widths;
}

}  // namespace

SingleNetwork::Pair::Pair(ParameterLayout& layout, const ModelSpec& spec, const std::string& name, int64_t inputs,
                          int64_t outputs)
    : interaction(CreateInteraction(layout, spec, absl::StrCat("tower.", name, "."), inputs)),
      hidden(layout, "tower." + name, interaction->OutputsOf(inputs), Widths(spec.file().network()),
             SkipOf(spec.file().network()), ParameterAxis::kInputs),
      head(AddLinear(layout, "head." + name, hidden.outputs(), outputs, {})) {}

torch::Tensor SingleNetwork::Pair::Forward(const Weights& weights, const torch::Tensor& inputs) const {
  return head.Forward(weights, hidden.Forward(weights, interaction->Forward(weights, inputs)));
}

SingleNetwork::SingleNetwork(const ModelSpec& spec, int64_t input_width) : Network(spec) {
  for (const int task : spec.towers()) outputs_.push_back(spec.tasks()[task].outputs);
  for (const SceneSpec& scene : spec.scenes()) {
    std::vector<std::unique_ptr<Pair>>& pairs = pairs_.emplace_back(spec.towers().size());
    for (const int t : scene.tasks) {
      const TaskSpec& task = spec.tasks()[t];
      if (task.tower < 0) continue;
      pairs[task.tower] =
          std::make_unique<Pair>(layout_, spec, absl::StrCat(scene.name, "/", task.name), input_width, task.outputs);
    }
  }
}

std::vector<torch::Tensor> SingleNetwork::Forward(const Parameters& parameters, const torch::Tensor& inputs,
                                                  absl::Span<const int32_t> scenes,
                                                  absl::Span<const WantedTask> wanted) const {
  const SceneParts parts(scenes, wanted);
  std::vector<std::vector<torch::Tensor>> logits;
  for (const ScenePart& part : parts.parts()) {
    std::vector<torch::Tensor>& of_part = logits.emplace_back();
    if (part.wanted.empty()) continue;
    const torch::Tensor own = part.rows.defined() ? inputs.index_select(0, part.rows.to(inputs.device())) : inputs;
    for (const WantedTask& want : part.wanted) {
      const WantedTask there{want.task, want.rows.defined() ? want.rows.to(inputs.device()) : want.rows};
      const torch::Tensor rows = SelectRows(own, there);
      const Pair* pair = pairs_[part.scene][want.task].get();
      of_part.push_back(pair != nullptr ? pair->Forward(parameters, rows)
                                        : torch::zeros({rows.size(0), outputs_[want.task]}, rows.options()));
    }
  }
  return parts.Join(logits);
}

}  // namespace polyscene
