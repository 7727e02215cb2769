#include "model/network/network.h"

#include "model/network/product_network.h"
#include "model/network/shared_network.h"
#include "model/network/single.h"

namespace polyscene {
namespace {

std::unique_ptr<Network> CreateWithoutProducts(const ModelSpec& spec, int64_t input_width) {
  if (spec.file().network().has_single()) return std::make_unique<SingleNetwork>(spec, input_width);
  return std::make_unique<SharedNetwork>(spec, input_width);
}

}  // namespace

std::unique_ptr<Network> CreateNetwork(const ModelSpec& spec, int64_t input_width) {
  std::unique_ptr<Network> towers = CreateWithoutProducts(spec, input_width);
  const bool products = spec.towers().size() < spec.tasks().size();
  if (products) return std::make_unique<ProductNetwork>(spec, std::move(towers));
  return towers;
}

}  // namespace polyscene
