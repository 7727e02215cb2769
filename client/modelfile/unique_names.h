// Names as model files allow them, made from names as tables have them.
#pragma once

#include <set>
#include <string>

#include "absl/strings/string_view.h"

namespace polyscene {

class UniqueNames {
 public:
  // `wanted` with each run of other characters as one '_', and a number behind it where it is taken: "Qty (kg)" is
  // "Qty_kg". `fallback` where nothing is left of it.
  std::string Make(absl::string_view wanted, absl::string_view fallback);

 private:
  std::set<std::string> taken_;
};

}  // namespace polyscene
