#include "model/network/network.h"

#include "model/network/shared_network.h"
#include "model/network/single.h"

namespace polyscene {

std::unique_ptr<Network> CreateNetwork(const ModelSpec& spec, int64_t input_width) {
  if (spec.file().network().has_single()) return std::make_unique<SingleNetwork>(spec, input_width);
  return std::make_unique<SharedNetwork>(spec, input_width);
}

}  // namespace polyscene
