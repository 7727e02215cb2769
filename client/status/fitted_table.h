// A table that fits a terminal's width: columns go before a line wraps.
#pragma once

#include <string>
#include <vector>

#include "client/status/styled_line.h"

namespace polyscene::cli {

struct FittedColumn {
  std::string title;
  bool right = false;  // Aligned to the right.
  int drop = 0;        // Where the width does not suffice, columns go by falling `drop`; 0 stays.
  std::vector<std::string> cells;
  Emphasis emphasis = Emphasis::kNone;  // Of its cells.
};

// Of one column each: its width, 0 where it is dropped. Where even those that stay are too wide, the widest ones that
// are not `right` are narrowed.
std::vector<int> FitColumns(const std::vector<FittedColumn>& columns, int width);

// The header and a line a row, none wider than `width`. Columns have as many cells each. Two spaces stand between
// columns.
std::vector<StyledLine> FitTable(const std::vector<FittedColumn>& columns, int width, bool utf8);

}  // namespace polyscene::cli
