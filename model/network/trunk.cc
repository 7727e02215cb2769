#include "model/network/trunk.h"

#include "model/network/mmoe.h"
#include "model/network/ple.h"
#include "model/network/shared_bottom.h"

namespace polyscene {

std::unique_ptr<Trunk> CreateTrunk(ParameterLayout& layout, const ModelSpec& spec, int64_t inputs) {
  const v1::Network& network = spec.file().network();
  if (network.has_mmoe()) return std::make_unique<Mmoe>(layout, spec, inputs);
  if (network.has_ple()) return std::make_unique<Ple>(layout, spec, inputs);
  return std::make_unique<SharedBottom>(layout, spec, inputs);
}

}  // namespace polyscene
