#include "model/spec/checks.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "model/spec/names.h"

namespace polyscene {

void CheckInteger(const Place& parent, absl::string_view field, int64_t value, int64_t min, int64_t max,
                  Mistakes& mistakes) {
  if (value >= min && value <= max) return;
  mistakes.Add(parent.Field(field), absl::StrCat(field, " is ", value, ", expected ", min, " to ", max));
}

void CheckNumber(const Place& parent, absl::string_view field, double value, const NumberRule& rule,
                 Mistakes& mistakes) {
  if (std::isfinite(value)) {
    if (rule.any || (value == 0 && rule.zero_is_default)) return;
    const bool low = (rule.positive ? value <= 0 : value < 0) || value < rule.least;
    if (!low && (rule.below == 0 || value < rule.below)) return;
  }
  std::string expected = rule.any          ? "a finite number"
                         : rule.least != 0 ? absl::StrCat("at least ", rule.least)
                         : rule.positive   ? "a number above 0"
                                           : "0 or above";
  if (rule.below != 0) absl::StrAppend(&expected, " and below ", rule.below);
  mistakes.Add(parent.Field(field), absl::StrCat(field, " is ", value, ", expected ", expected));
}

bool AnyBad(const Place& parent, std::initializer_list<absl::string_view> fields) {
  return std::any_of(fields.begin(), fields.end(), [&](absl::string_view field) { return parent.Field(field).bad(); });
}

void CheckName(const Place& parent, absl::string_view field, const std::string& name, absl::string_view what,
               Mistakes& mistakes) {
  if (IsName(name)) return;
  mistakes.Add(parent.Field(field),
               name.empty()
                   ? absl::StrCat("the ", what, " has no ", field, ", expected one of letters, digits, '_', '.', '-'")
                   : absl::StrCat(what, " ", field, " is '", name, "', expected letters, digits, '_', '.', '-'"));
}

void CheckModelFile(const v1::ModelFile& file, const Place& place, Mistakes& mistakes) {
  const auto require = [&](bool given, absl::string_view field, absl::string_view expected) {
    if (!given) mistakes.Add(place.Field(field), absl::StrCat("the model has no ", field, ", expected ", expected));
  };
  require(!file.name().empty(), "name", "name: \"...\", for people");
  require(file.features_size() > 0, "features", "at least one");
  require(file.scenes_size() > 0, "scenes", "at least one");
  require(file.tasks_size() > 0, "tasks", "at least one");
  CheckFeatures(file, place, mistakes);
  CheckReferences(file, place, mistakes);
  CheckScenes(file, place, mistakes);
  CheckTasks(file, place, mistakes);
  CheckTaskRelations(file, place, mistakes);
  CheckNetwork(file, place, mistakes);
  CheckLearning(file, place, mistakes);
  CheckLossBalance(file, place, mistakes);
  CheckServing(file, place, mistakes);
  CheckFiles(file, place, mistakes);
}

}  // namespace polyscene
