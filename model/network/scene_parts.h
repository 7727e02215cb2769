// A batch taken apart by its rows' scenes.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "model/network/wanted.h"

namespace polyscene {

// The rows of one scene.
struct ScenePart {
  int scene = 0;
  torch::Tensor rows;  // Their numbers in the batch, ascending: [n] int64 on the CPU; undefined: all.
  std::vector<WantedTask>
      wanted;                 // With rows numbered within the part, on the CPU. Who wants no row of it is not here.
  std::vector<size_t> wants;  // [wanted] which of the batch's wanted tasks each is.
};

// Works on the CPU alone, so no device is waited for.
class SceneParts {
 public:
  // scenes: [rows]; `wanted`'s rows on the CPU. A batch of one scene, the usual request, stays whole.
  SceneParts(absl::Span<const int32_t> scenes, absl::Span<const WantedTask> wanted);

  const std::vector<ScenePart>& parts() const { return parts_; }  // At least one, by scene.

  // What each part computed, [parts][its wanted] of [n, width], as one [n, width] for each of the batch's wanted tasks.
  std::vector<torch::Tensor> Join(const std::vector<std::vector<torch::Tensor>>& outputs) const;

 private:
  void Want(size_t w, const WantedTask& want, const std::vector<int64_t>& part_of,
            const std::vector<int64_t>& place_of);

  std::vector<ScenePart> parts_;
  // [batch's wanted] where each of its rows stands when the parts' outputs are put one behind the other; empty: there
  // already.
  std::vector<std::vector<int64_t>> order_;
};

}  // namespace polyscene
