#include "model/network/parameter_roles.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace polyscene {

bool IsOfTower(const ParameterSpec& parameter) {
  return absl::StartsWith(parameter.name, "tower.") || absl::StartsWith(parameter.name, "head.");
}

bool IsShared(const ParameterSpec& parameter) {
  const auto& axes = parameter.axes;
  return !IsOfTower(parameter) && std::find(axes.begin(), axes.end(), ParameterAxis::kTasks) == axes.end();
}

}  // namespace polyscene
