// Records of the tiny model's scene "shop" whose rows can be told apart, and a log that is waited for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "polyscene/v1/record.pb.h"
#include "server/eventlog/event_log.h"

namespace polyscene {

// A batch with one row an item; its only column is `item`. No items: a batch whose rows were all refused.
v1::LogRecord EventsRecord(const std::string& producer, uint64_t sequence, const std::vector<int64_t>& items);

v1::LogRecord OpeningRecord(const std::string& producer, int64_t from_micros);

// Items first, first + 1, ... (count of them).
std::vector<int64_t> Items(int64_t first, int64_t count);

// Appends and blocks until the answer.
absl::StatusOr<Appended> AppendAndWait(EventLog& log, v1::LogRecord record);

}  // namespace polyscene
