// Names in configuration files: how they may look, and which one was meant.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace polyscene {

// Letters, digits, '_', '.' and '-' of ASCII, at least one.
bool IsName(absl::string_view text);

// The one of `known` that `name` most likely was to be: at most a third of its letters (and at least one) changed,
// added, left out or swapped with its neighbour, whatever the case. Empty if none is that near.
std::string NearestName(absl::string_view name, absl::Span<const std::string> known);

// "'a', 'b' and 3 more", to say what was expected; "none" without any.
std::string ListNames(absl::Span<const std::string> names);

// "; did you mean 'click'?" where a known name is near, else "; expected one of 'click', 'purchase'".
std::string ExpectedName(absl::string_view name, absl::Span<const std::string> known);

}  // namespace polyscene
