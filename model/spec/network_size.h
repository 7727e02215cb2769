// The network's part of ModelSize.
#pragma once

#include "model/spec/model_size.h"

namespace polyscene {

// Adds the weights of the network, group by group, and the inputs that scene adaptation and interaction make. Embedding
// and dense inputs are in `size` already.
void AddNetworkSize(const ModelSpec& spec, ModelSize& size);

}  // namespace polyscene
