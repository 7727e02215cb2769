// Prints what the event log of a data directory holds, for people and scripts; beside a live server, too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <limits>

#include "absl/status/status.h"

namespace polyscene {

struct LogDumpOptions {
  std::filesystem::path data_directory;
  uint64_t from = 0;  // The first record is the one that holds this offset, or the oldest one kept if that is later.
  uint64_t count = std::numeric_limits<uint64_t>::max();  // Of records.
};

// Writes one JSON object a record and line to `out`. Reads what was durable when it began (a live server's newest
// events may be missing), takes no lock and changes nothing.
//   kNotFound    the directory holds no event log
//   kOutOfRange  `from` is beyond the log's end
//   kDataLoss    a file is damaged, or a record cannot be parsed: names it; the lines before it are good
//   kInternal    it cannot be read, or `out` not be written
absl::Status DumpLog(const LogDumpOptions& options, std::ostream& out);

}  // namespace polyscene
