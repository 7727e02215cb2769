// When something of a request is due: entries of the family `deadlines`, in the order of their times. Private to this
// folder and its tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace polyscene {

// Each goes by a clock of its own.
enum class DeadlineKind : char {
  kLive = 'l',      // Of a request that was scored when it happened: the wall clock.
  kReplayed = 'r',  // Of one that replays the past: the newest time that a label or exposure of such a one has named.
  kWaiting = 'w',   // Of labels and exposures that wait for their request: the wall clock.
};
inline constexpr DeadlineKind kDeadlineKinds[] = {DeadlineKind::kLive, DeadlineKind::kReplayed, DeadlineKind::kWaiting};

// A key: the kind, the time as 8 bytes that sort like it, the request id; of kWaiting, the entry's key instead (see
// waiting_entries.h), and no value.
struct Deadline {
  DeadlineKind kind = DeadlineKind::kLive;
  int64_t at_micros = 0;
  std::string request_id;
};

std::string DeadlineKey(DeadlineKind kind, int64_t at_micros, absl::string_view request_id);
std::optional<Deadline> ParseDeadlineKey(absl::string_view key);  // Nothing: it is none.

// The value of a deadline of a remembered request: what is needed to forget it without reading it.
struct DueRequest {
  bool last = false;  // Its windows are closed then. Else exposed rows may become negatives. One a request.
  int64_t event_time_micros = 0;
  uint64_t stored_bytes = 0;
  std::string scene;
};

std::string DueRequestValue(const DueRequest& due);
std::optional<DueRequest> ParseDueRequest(absl::string_view value);

}  // namespace polyscene
