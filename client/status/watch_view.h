// The live view of one server, as lines.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "client/status/styled_line.h"
#include "client/status/watch_state.h"

namespace polyscene::cli {

struct ViewSize {
  int columns = 80;
  int rows = 24;
  bool utf8 = false;  // Whether the terminal shows UTF-8.
};

// At most `rows` lines, none wider than `columns`: a narrow terminal loses columns, a short one blank lines first, then
// rows of the tables, and its last line says how many: "… 3 more". Clock times are told in `zone`.
std::vector<StyledLine> RenderWatch(const WatchState& state, const ViewSize& size, absl::Time now, absl::TimeZone zone);

// The same in one line without a terminal: "12:00:01  version 7  ..".
std::string WatchLine(const WatchState& state, absl::Time now, absl::TimeZone zone);

}  // namespace polyscene::cli
