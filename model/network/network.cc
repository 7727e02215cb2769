#include "model/network/network.h"

#include "model/network/mmoe.h"
#include "model/network/shared_bottom.h"

namespace polyscene {

std::unique_ptr<Network> CreateNetwork(const ModelSpec& spec, int64_t input_width) {
  if (spec.file().network().has_mmoe()) return std::make_unique<MmoeNetwork>(spec, input_width);
  return std::make_unique<SharedBottomNetwork>(spec, input_width);
}

}  // namespace polyscene
