#include "model/network/interaction.h"

#include "model/network/cross.h"
#include "model/network/factorization_machine.h"

namespace polyscene {

std::unique_ptr<Interaction> CreateInteraction(ParameterLayout& layout, const ModelSpec& spec,
                                               const std::string& prefix, int64_t inputs) {
  const v1::Interaction& interaction = spec.file().network().interaction();
  switch (interaction.kind_case()) {
    case v1::Interaction::kCross:
      return std::make_unique<Cross>(layout, prefix + "cross", interaction.cross(), inputs);
    case v1::Interaction::kFactorizationMachine:
      return std::make_unique<FactorizationMachine>(spec);
    case v1::Interaction::KIND_NOT_SET:
      break;
  }
  return std::make_unique<Interaction>();
}

}  // namespace polyscene
