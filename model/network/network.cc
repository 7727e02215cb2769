#include "model/network/network.h"

#include "model/network/product_network.h"
#include "model/network/shared_network.h"
#include "model/network/single.h"

namespace polyscene {

std::unique_ptr<Network> CreateTowerNetwork(const ModelSpec& spec, int64_t input_width) {
  if (spec.file().network().has_single()) return std::make_unique<SingleNetwork>(spec, input_width);
  return std::make_unique<SharedNetwork>(spec, input_width);
}

std::unique_ptr<Network> WithProducts(const ModelSpec& spec, std::unique_ptr<Network> towers) {
  if (spec.towers().size() == spec.tasks().size()) return towers;
  return std::make_unique<ProductNetwork>(spec, std::move(towers));
}

std::unique_ptr<Network> CreateNetwork(const ModelSpec& spec, int64_t input_width) {
  return WithProducts(spec, CreateTowerNetwork(spec, input_width));
}

}  // namespace polyscene
