// Bounds what one step can do to the dense weights.
#pragma once

#include <torch/types.h>

namespace polyscene {

// Scales `gradient` [n] in place to the norm `most` where its own is larger. Pascanu, Mikolov and Bengio, "On the
// difficulty of training recurrent neural networks", ICML 2013. Waits for no device.
void ClipByNorm(torch::Tensor& gradient, double most);

}  // namespace polyscene
