#include "client/replay/known_times.h"

#include <algorithm>

namespace polyscene::replay {
namespace {

constexpr int64_t kDayMicros = int64_t{86'400} * 1'000'000;

// The first moment after it.
int64_t EndOf(FileTime time) { return time.micros + (time.is_date ? kDayMicros : 0); }

}  // namespace

int64_t KnownAt(FileTime event, FileTime label) {
  if (label.micros == 0) return EndOf(event);
  if (event.is_date && label.is_date) return std::max(EndOf(event), EndOf(label));
  return std::max(event.micros, EndOf(label));
}

}  // namespace polyscene::replay
