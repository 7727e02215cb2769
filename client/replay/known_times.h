// When labels were known.
#pragma once

#include <cstdint>

namespace polyscene::replay {

// A time as a file has it, microseconds since 1970.
struct FileTime {
  int64_t micros = 0;    // 0: it has none.
  bool is_date = false;  // A day without a time of day: `micros` is its beginning.
};

// When the labels of an event were known that the file dates with `label` (or not at all: then as the event). A day
// says that it was by its end, and what happened on a day was known at its end, whatever day the label has; a moment
// says itself, but nothing was known before it happened.
int64_t KnownAt(FileTime event, FileTime label);

}  // namespace polyscene::replay
