#include "client/status/fitted_table.h"

#include <algorithm>

namespace polyscene::cli {
namespace {

constexpr int kGap = 2;
constexpr int kNarrowest = 4;  // A narrowed column still shows this much.

int TotalWidth(const std::vector<int>& widths) {
  int total = 0;
  for (const int width : widths) {
    if (width > 0) total += width + (total > 0 ? kGap : 0);
  }
  return total;
}

// `text` in `width` columns, in fewer where it is neither to be aligned to the right nor `followed`.
StyledLine Cell(const std::string& text, int width, bool right, bool followed, Emphasis emphasis, bool utf8) {
  const StyledLine cut = StyledLine(text, emphasis).CutTo(width, utf8);
  const std::string padding(width - cut.width(), ' ');
  StyledLine cell;
  if (right) cell.Add(padding);
  cell.Add(cut.Text(), emphasis);
  if (!right && followed) cell.Add(padding);
  return cell;
}

}  // namespace

std::vector<int> FitColumns(const std::vector<FittedColumn>& columns, int width) {
  std::vector<int> widths;
  for (const FittedColumn& column : columns) {
    int widest = DisplayWidth(column.title);
    for (const std::string& cell : column.cells) widest = std::max(widest, DisplayWidth(cell));
    widths.push_back(std::max(widest, 1));
  }
  while (TotalWidth(widths) > width) {
    int drop = -1;
    for (size_t c = 0; c < columns.size(); ++c) {
      if (widths[c] > 0 && columns[c].drop > 0 && (drop < 0 || columns[c].drop > columns[drop].drop)) {
        drop = static_cast<int>(c);
      }
    }
    if (drop < 0) break;
    widths[drop] = 0;
  }
  while (TotalWidth(widths) > width) {
    int widest = -1;
    for (size_t c = 0; c < columns.size(); ++c) {
      if (widths[c] > kNarrowest && !columns[c].right && (widest < 0 || widths[c] > widths[widest])) {
        widest = static_cast<int>(c);
      }
    }
    if (widest < 0) break;  // The lines are cut.
    --widths[widest];
  }
  return widths;
}

std::vector<StyledLine> FitTable(const std::vector<FittedColumn>& columns, int width, bool utf8) {
  const std::vector<int> widths = FitColumns(columns, width);
  const size_t rows = columns.empty() ? 0 : columns[0].cells.size();
  // Behind the last one nothing is aligned.
  const auto last = std::find_if(widths.rbegin(), widths.rend(), [](int column) { return column > 0; });
  const size_t last_column = widths.rend() - last - 1;
  std::vector<StyledLine> lines;
  for (size_t line_index = 0; line_index <= rows; ++line_index) {
    StyledLine line;
    for (size_t c = 0; c < columns.size(); ++c) {
      if (widths[c] == 0) continue;
      if (!line.empty()) line.Add(std::string(kGap, ' '));
      const bool header = line_index == 0;
      line.Append(Cell(header ? columns[c].title : columns[c].cells[line_index - 1], widths[c], columns[c].right,
                       c != last_column, header ? Emphasis::kDim : columns[c].emphasis, utf8));
    }
    lines.push_back(line.CutTo(width, utf8));
  }
  return lines;
}

}  // namespace polyscene::cli
