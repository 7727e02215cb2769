// The lines of the table that tests/bench/run.sh prints.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "tests/bench/support/statistics.h"

namespace polyscene {

struct Target {
  enum class Kind { kAtLeast, kAtMost };
  Kind kind = Kind::kAtMost;
  double value = 0;
  std::string unit;  // "x", " ms"; behind the figure and the target.
};
inline Target AtLeast(double value, std::string unit) { return {Target::Kind::kAtLeast, value, std::move(unit)}; }
inline Target AtMost(double value, std::string unit) { return {Target::Kind::kAtMost, value, std::move(unit)}; }

std::string TargetText(const Target& target);                                  // ">= 3.0x"
bool Reaches(const MedianInterval& figure, const Target& target);              // Where its interval does.
std::string FigureText(const MedianInterval& figure, absl::string_view unit);  // "3.12x (3.05 to 3.20)"

// "row | WHAT | FIGURE | TARGET | VERDICT", to stdout.
void PrintRow(absl::string_view what, absl::string_view figure, absl::string_view target, absl::string_view verdict);

// With the verdict `ok` where the target is reached, else `short`. note: what else belongs to the figure; may be empty.
void PrintFigure(absl::string_view what, const MedianInterval& figure, const Target& target,
                 absl::string_view note = "");
void PrintFigure(absl::string_view what, double figure, const Target& target, absl::string_view note = "");

void PrintSkipped(absl::string_view what, const Target& target, absl::string_view reason);

}  // namespace polyscene
