// What waits for requests that are not remembered yet, as it lies in the family `waiting`. Private to this folder and
// its tests.
//
// Each entry lies under a key of its own, so that one more costs what it carries, however many wait for the same
// request. The keys of request `id`:
//   id 0xff          its queue: how its entries are numbered
//   id 0xff number   an entry; the number as 8 bytes that sort like it
//   id               all entries in one value, a v1::WaitingRows: how the first releases wrote them. Only read.
// A request id is UTF-8, where no byte is 0xff: no key can be taken for another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "polyscene/v1/record.pb.h"

namespace polyscene {

// The entries of one request. Nothing waits: there is none.
struct WaitingQueue {
  uint64_t first = 0;  // Number of the oldest entry.
  uint64_t next = 0;   // That the next one gets. Between them some may be gone: not all wait equally long.
  uint64_t bytes = 0;  // Of the values of all entries.
  bool empty() const { return first == next; }
};

std::string WaitingQueueKey(absl::string_view id);
std::string WaitingQueueValue(const WaitingQueue& queue);
std::optional<WaitingQueue> ParseWaitingQueue(absl::string_view value);

// Rows of one batch, or an exposure, that wait for one request.
struct WaitingEntry {
  int64_t until_micros = 0;
  v1::WaitingRows::Entry rows;
  uint64_t bytes = 0;  // Of its value.
};

std::string WaitingEntryKey(absl::string_view id, uint64_t number);
std::string WaitingEntryValue(int64_t until_micros, const v1::WaitingRows::Entry& rows);
std::optional<WaitingEntry> ParseWaitingEntry(absl::string_view value);

// What an entry's key names.
struct WaitingEntryName {
  std::string id;
  uint64_t number = 0;
};
std::optional<WaitingEntryName> ParseWaitingEntryKey(absl::string_view key);  // Nothing: it is none.

}  // namespace polyscene
