// appender DIRECTORY: appends batches of 3 rows to the log there and writes the number of each acknowledged batch, 8
// bytes, to standard output, until it is killed. The other half of crash_test.cc.
#include <unistd.h>

#include "server/eventlog/event_log.h"
#include "tests/support/log_records.h"

int main(int argc, char** argv) {
  using namespace polyscene;
  if (argc != 2) return 2;
  EventLogOptions options;
  options.directory = argv[1];
  absl::StatusOr<std::unique_ptr<EventLog>> log = EventLog::Open(options);
  if (!log.ok()) return 1;
  for (uint64_t sequence = 1;; ++sequence) {
    (*log)->Append(EventsRecord("p", sequence, Items(3 * static_cast<int64_t>(sequence), 3)),
                   [sequence](absl::StatusOr<Appended> appended) {
                     if (!appended.ok() || ::write(STDOUT_FILENO, &sequence, sizeof(sequence)) < 0) ::_exit(1);
                   });
    // Pipelined, but not without bound.
    while ((*log)->end_offset() + 24 < 3 * sequence) (*log)->WaitBeyond((*log)->end_offset(), absl::Seconds(1));
  }
}
