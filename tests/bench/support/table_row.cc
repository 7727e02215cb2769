#include "tests/bench/support/table_row.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace polyscene {
namespace {

absl::string_view Verdict(bool reached) { return reached ? "ok" : "short"; }

std::string WithNote(std::string figure, absl::string_view note) {
  return note.empty() ? figure : absl::StrCat(figure, "; ", note);
}

}  // namespace

std::string TargetText(const Target& target) {
  return absl::StrFormat("%s %g%s", target.kind == Target::Kind::kAtLeast ? ">=" : "<=", target.value, target.unit);
}

bool Reaches(const MedianInterval& figure, const Target& target) {
  return target.kind == Target::Kind::kAtLeast ? figure.high >= target.value : figure.low <= target.value;
}

std::string FigureText(const MedianInterval& figure, absl::string_view unit) {
  return absl::StrFormat("%.3g%s (%.3g to %.3g)", figure.median, unit, figure.low, figure.high);
}

void PrintRow(absl::string_view what, absl::string_view figure, absl::string_view target, absl::string_view verdict) {
  std::printf("%s\n", absl::StrCat("row | ", what, " | ", figure, " | ", target, " | ", verdict).c_str());
  std::fflush(stdout);
}

void PrintFigure(absl::string_view what, const MedianInterval& figure, const Target& target, absl::string_view note) {
  PrintRow(what, WithNote(FigureText(figure, target.unit), note), TargetText(target), Verdict(Reaches(figure, target)));
}

void PrintFigure(absl::string_view what, double figure, const Target& target, absl::string_view note) {
  PrintRow(what, WithNote(absl::StrFormat("%.3g%s", figure, target.unit), note), TargetText(target),
           Verdict(Reaches({figure, figure, figure}, target)));
}

void PrintSkipped(absl::string_view what, const Target& target, absl::string_view reason) {
  PrintRow(what, "-", TargetText(target), absl::StrCat("skipped (", reason, ")"));
}

}  // namespace polyscene
