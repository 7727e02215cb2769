#include "server/eventlog/log_dump.h"

#include <memory>
#include <optional>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "server/eventlog/read_only_log.h"
#include "server/eventlog/record_json.h"

namespace polyscene {

absl::Status DumpLog(const LogDumpOptions& options, std::ostream& out) {
  const absl::StatusOr<std::unique_ptr<ReadOnlyLog>> log = ReadOnlyLog::Open(options.data_directory);
  if (!log.ok()) return log.status();
  if (options.from > (*log)->end_offset()) {
    return absl::OutOfRangeError(absl::StrCat("--from is ", options.from, ", expected at most ", (*log)->end_offset(),
                                              ", where the event log ends"));
  }
  if (absl::Status status = (*log)->Seek(options.from); !status.ok()) return status;
  for (uint64_t printed = 0; printed < options.count;) {
    const absl::StatusOr<std::optional<LogEntry>> entry = (*log)->Next();
    if (!entry.ok()) return entry.status();
    if (!entry->has_value()) break;
    if ((*entry)->offset + (*entry)->count <= options.from) continue;  // It ends before.
    out << RecordJson((*entry)->offset, (*entry)->record) << '\n';
    if (!out.good()) return absl::InternalError("the output cannot be written");
    ++printed;
  }
  return out.flush().good() ? absl::OkStatus() : absl::InternalError("the output cannot be written");
}

}  // namespace polyscene
