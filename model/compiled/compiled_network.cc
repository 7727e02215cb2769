#include "model/compiled/compiled_network.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/compiled/network_steps.h"
#include "model/compiled/program_builder.h"
#include "model/spec/model_size.h"

namespace polyscene {

absl::StatusOr<std::shared_ptr<const CompiledNetwork>> CompiledNetwork::Create(std::shared_ptr<const ModelSpec> spec,
                                                                               const ParameterLayout& layout,
                                                                               Arithmetic arithmetic) {
  if (const std::string why = WhyNotCompiled(*spec); !why.empty()) return absl::UnimplementedError(why);
  try {
    return std::shared_ptr<const CompiledNetwork>(new CompiledNetwork(std::move(spec), layout, arithmetic));
  } catch (const dnnl::error& e) {
    return absl::UnimplementedError(absl::StrCat("oneDNN: ", e.what()));
  }
}

absl::StatusOr<std::shared_ptr<const CompiledNetwork>> CompiledNetwork::CreateForServing(
    std::shared_ptr<const ModelSpec> spec, const ParameterLayout& layout) {
  const v1::Serving& serving = spec->file().serving();
  if (serving.forward() == v1::Serving::LIBTORCH) return absl::UnimplementedError("serving.forward");
  const bool bfloat16 = serving.arithmetic() == v1::Serving::BFLOAT16 && HasFastBFloat16();
  return Create(std::move(spec), layout, bfloat16 ? Arithmetic::kBFloat16 : Arithmetic::kFloat32);
}

CompiledNetwork::CompiledNetwork(std::shared_ptr<const ModelSpec> spec, const ParameterLayout& layout,
                                 Arithmetic arithmetic)
    : spec_(std::move(spec)), layout_(layout), arithmetic_(arithmetic) {
  const int scene_inputs = HasSceneInputs(*spec_) ? kSceneInputs : 0;
  with_candidates_ = LayOutInputs(*spec_, scene_inputs, /*candidates=*/true);
  without_candidates_ = LayOutInputs(*spec_, scene_inputs, /*candidates=*/false);
  ProgramParts parts(layout_, arithmetic_);
  const int tower_count = static_cast<int>(spec_->towers().size());
  for (size_t s = 0; s < spec_->scenes().size(); ++s) {
    const SceneSpec& of_spec = spec_->scenes()[s];
    Scene& scene = scenes_.emplace_back();
    scene.inputs = of_spec.has_candidates ? &with_candidates_ : &without_candidates_;
    const auto build = [&](bool split) {
      ProgramBuilder builder(parts, *scene.inputs, of_spec.name, split, tower_count);
      AppendNetwork(*spec_, static_cast<int>(s), builder);
      return builder.Take();
    };
    scene.whole = build(false);
    const bool both_sides = !scene.inputs->context_columns.empty() && !scene.inputs->candidate_columns.empty();
    if (of_spec.has_candidates && both_sides && CanSplit(*spec_)) scene.split = build(true);
    if (scene_inputs > 0) scene_inputs_.push_back(AddSceneInputs(static_cast<int>(s), parts));
  }
  for (const ProductShape& shape : parts.shapes()) products_.push_back(std::make_unique<PackedProduct>(shape));
  weights_ = std::move(parts.weights());
}

void CompiledNetwork::Warm() const {
  for (const auto& product : products_) product->MakeAll();
}

std::shared_ptr<const PackedWeights> CompiledNetwork::Pack(const float* flat) const {
  return std::make_shared<const PackedWeights>(PackWeights(weights_, layout_, products_, with_candidates_, flat));
}

size_t CompiledNetwork::workspace_bytes() const {
  size_t most = 0;
  for (const Scene& scene : scenes_) {
    most = std::max(most, scene.whole.bytes);
    if (scene.split.has_value()) most = std::max(most, scene.split->bytes);
  }
  return most;
}

}  // namespace polyscene
