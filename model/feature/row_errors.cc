#include "model/feature/row_errors.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace polyscene {

bool RowErrors::Mark(int64_t row) {
  if (marked_.empty()) marked_.resize(rows_);
  if (marked_[row]) return false;
  marked_[row] = true;
  return true;
}

std::vector<RowError> RowErrors::Take() {
  std::sort(errors_.begin(), errors_.end(), [](const RowError& a, const RowError& b) { return a.row < b.row; });
  return std::move(errors_);
}

std::string Quoted(absl::string_view name) {
  constexpr size_t kShown = 64;
  return absl::StrCat("'", absl::CHexEscape(name.substr(0, kShown)), name.size() > kShown ? "...'" : "'");
}

std::string DescribeBadMissingRows(absl::string_view what, absl::Span<const uint32_t> missing, int64_t rows) {
  for (size_t i = 0; i < missing.size(); ++i) {
    if (i > 0 && missing[i] <= missing[i - 1]) {
      return absl::StrCat(what, ": got missing row ", missing[i], " after ", missing[i - 1],
                          ", expected ascending rows, each once");
    }
    if (missing[i] >= rows) {
      return absl::StrCat(what, ": got missing row ", missing[i], ", expected rows 0 to ", rows - 1);
    }
  }
  return "";
}

}  // namespace polyscene
