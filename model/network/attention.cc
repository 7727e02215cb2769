#include "model/network/attention.h"

#include <torch/torch.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"

namespace polyscene {

AttentionUnits::Unit::Unit(ParameterLayout& layout, const std::string& name, int64_t dimension,
                           const std::vector<int64_t>& hidden)
    : hidden(layout, name, 3 * dimension, hidden, Skip::kNone, ParameterAxis::kPlain),
      out(AddLinear(layout, name + ".out", this->hidden.outputs(), 1, {})) {}

AttentionUnits::AttentionUnits(ParameterLayout& layout, const ModelSpec& spec) : units_(spec.slots().size()) {
  std::map<int, int> met;  // Feature -> its units so far.
  for (size_t s = 0; s < spec.slots().size(); ++s) {
    const SlotSpec& slot = spec.slots()[s];
    if (slot.attends_to < 0) continue;
    std::string name = absl::StrCat("attention.", spec.features()[slot.feature].name);
    if (const int before = met[slot.feature]++; before > 0) absl::StrAppend(&name, ".", before + 1);
    const v1::Attention& attention = spec.file().features(slot.feature).sequence().attention();
    units_[s] = std::make_unique<Unit>(layout, name, slot.dimension,
                                       std::vector<int64_t>(attention.hidden().begin(), attention.hidden().end()));
  }
}

torch::Tensor AttentionUnits::Bound::WeightsOf(int slot, const torch::Tensor& entries,
                                               const torch::Tensor& targets) const {
  const Unit& unit = *units_.units_[slot];
  const torch::Tensor read = torch::cat({entries, targets, entries * targets}, 1);
  return unit.out.Forward(weights_, unit.hidden.Forward(weights_, read));
}

}  // namespace polyscene
