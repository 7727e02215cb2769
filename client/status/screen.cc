#include "client/status/screen.h"

namespace polyscene::cli {

std::string EnterScreen() { return "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"; }

std::string LeaveScreen() { return "\x1b[?7h\x1b[?25h\x1b[?1049l"; }

std::string DrawScreen(const std::vector<StyledLine>& lines, ScreenSize size, bool color) {
  std::string bytes = "\x1b[H";
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) bytes += "\r\n";
    bytes += lines[i].Ansi(color);
    // Behind a full line the cursor stays on its last character, which clearing "from the cursor on" would take.
    if (lines[i].width() < size.columns) bytes += "\x1b[K";
  }
  if (lines.empty()) return bytes + "\x1b[J";
  if (static_cast<int>(lines.size()) < size.rows) bytes += "\r\n\x1b[J";
  return bytes;
}

}  // namespace polyscene::cli
