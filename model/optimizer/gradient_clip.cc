#include "model/optimizer/gradient_clip.h"

#include <torch/torch.h>

namespace polyscene {

void ClipByNorm(torch::Tensor& gradient, double most) {
  // A gradient of norm 0 gives infinity here, of which 1 is the smaller.
  gradient.mul_((most / gradient.norm()).clamp_max(1.0));
}

}  // namespace polyscene
