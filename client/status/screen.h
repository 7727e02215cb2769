// Lines on a terminal as the bytes that draw them.
#pragma once

#include <string>
#include <vector>

#include "client/status/styled_line.h"

namespace polyscene::cli {

struct ScreenSize {
  int columns = 80;
  int rows = 24;
};

// Bytes that take a terminal over, and give it back as it was: its other screen, without a cursor, without wrapping.
std::string EnterScreen();
std::string LeaveScreen();

// Bytes that draw `lines` from the top and clear what was there, without scrolling. No more lines than the screen has
// rows, none wider than its columns.
std::string DrawScreen(const std::vector<StyledLine>& lines, ScreenSize size, bool color);

}  // namespace polyscene::cli
