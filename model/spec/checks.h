// Checks of what a model file means. Each adds every mistake it finds; all of them take the file as it was written,
// before defaults, and do not rely on each other.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"
#include "model/spec/mistakes.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

void CheckFeatures(const v1::ModelFile& file, const Place& place, Mistakes& mistakes);
void CheckReferences(const v1::ModelFile& file, const Place& place, Mistakes& mistakes);  // Between features.
void CheckScenes(const v1::ModelFile& file, const Place& place, Mistakes& mistakes);
void CheckTasks(const v1::ModelFile& file, const Place& place, Mistakes& mistakes);
void CheckTaskRelations(const v1::ModelFile& file, const Place& place, Mistakes& mistakes);
void CheckNetwork(const v1::ModelFile& file, const Place& place, Mistakes& mistakes);
void CheckLearning(const v1::ModelFile& file, const Place& place, Mistakes& mistakes);  // Optimizers and policy.
void CheckLossBalance(const v1::ModelFile& file, const Place& place, Mistakes& mistakes);
void CheckServing(const v1::ModelFile& file, const Place& place, Mistakes& mistakes);
void CheckFiles(const v1::ModelFile& file, const Place& place, Mistakes& mistakes);  // Columns of data files.

// All of the above, and what is missing at the top.
void CheckModelFile(const v1::ModelFile& file, const Place& place, Mistakes& mistakes);

// ---- what several of them use; `parent` is the message that `field` belongs to ----

// A whole number from min to max. Where 0 takes the default, 0 is no mistake.
void CheckInteger(const Place& parent, absl::string_view field, int64_t value, int64_t min, int64_t max,
                  Mistakes& mistakes);

struct NumberRule {
  bool zero_is_default = true;  // Then 0 is no mistake.
  bool positive = true;         // Else 0 or above, or (with `any`) whatever is finite.
  bool any = false;
  double below = 0;  // The first value too large; 0: none.
  double least = 0;  // Where only positive ones are good: the smallest; 0: any.
};
void CheckNumber(const Place& parent, absl::string_view field, double value, const NumberRule& rule,
                 Mistakes& mistakes);

// Whether one of these fields was given but told as a mistake: then it is not missing as well.
bool AnyBad(const Place& parent, std::initializer_list<absl::string_view> fields);

// A name's characters. `what` is "feature", "scene", ...
void CheckName(const Place& parent, absl::string_view field, const std::string& name, absl::string_view what,
               Mistakes& mistakes);

}  // namespace polyscene
