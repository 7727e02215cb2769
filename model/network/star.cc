#include "model/network/star.h"

#include <torch/torch.h>

#include "absl/strings/str_cat.h"

namespace polyscene {

void Star::AddBehindTrunk(ParameterLayout& layout, const ModelSpec& spec, int64_t /*tower_inputs*/) {
  const std::vector<ParameterSpec> shared = layout.specs();
  for (const SceneSpec& scene : spec.scenes()) {
    WeightOverlay& overlay = overlays_.emplace_back();
    overlay.over.assign(begin_, -1);
    overlay.added.assign(begin_, false);
    for (size_t i = begin_; i < shared.size(); ++i) {
      const ParameterSpec& matrix = shared[i];
      const std::string name = absl::StrCat("star.", scene.name, "/", matrix.name);
      overlay.over.push_back(layout.AddLike(name, matrix, matrix.bias ? 0 : 1));
      overlay.added.push_back(matrix.bias);
    }
  }
}

}  // namespace polyscene
