#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/server/eventlog/event_log_fixture.h"

namespace polyscene {
namespace {

// The child: appends batches of 3 and writes each acknowledged sequence into the pipe, until it is killed.
[[noreturn]] void AppendForever(const EventLogOptions& options, int pipe) {
  absl::StatusOr<std::unique_ptr<EventLog>> log = EventLog::Open(options);
  if (!log.ok()) ::_exit(1);
  for (uint64_t sequence = 1;; ++sequence) {
    (*log)->Append(EventsRecord("p", sequence, Items(3 * static_cast<int64_t>(sequence), 3)),
                   [sequence, pipe](absl::StatusOr<Appended> appended) {
                     if (!appended.ok() || ::write(pipe, &sequence, sizeof(sequence)) < 0) ::_exit(2);
                   });
    if (sequence % 8 == 0) {  // Pipelined, but not without bound.
      while ((*log)->end_offset() + 24 < 3 * sequence) (*log)->WaitBeyond((*log)->end_offset(), absl::Seconds(1));
    }
  }
}

TEST(EventLogCrashTest, EverythingAcknowledgedBeforeAKillIsThereAfterIt) {
  TempDirectory directory;
  EventLogOptions options;
  options.directory = directory.path();
  options.model_fingerprint = 1;
  int pipes[2];
  ASSERT_EQ(::pipe(pipes), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) AppendForever(options, pipes[1]);
  ::close(pipes[1]);

  uint64_t acknowledged = 0;
  uint64_t sequence = 0;
  while (::read(pipes[0], &sequence, sizeof(sequence)) == sizeof(sequence)) {
    ASSERT_EQ(sequence, acknowledged + 1);
    acknowledged = sequence;
    if (acknowledged == 300) ::kill(child, SIGKILL);
  }
  ::close(pipes[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "exit status " << WEXITSTATUS(status);

  absl::StatusOr<std::unique_ptr<EventLog>> log = EventLog::Open(options);
  ASSERT_TRUE(log.ok()) << log.status();
  const uint64_t logged = (*log)->WatermarkOf("p", 0, 0).logged();
  EXPECT_GE(logged, acknowledged);
  EXPECT_EQ((*log)->end_offset(), 3 * logged);
  EXPECT_EQ((*log)->rows_accepted(), 3 * logged);
  std::unique_ptr<EventLog::Cursor> cursor = *(*log)->Read(0);
  for (uint64_t expected = 1; expected <= logged; ++expected) {
    absl::StatusOr<std::optional<LogEntry>> entry = cursor->Next();
    ASSERT_TRUE(entry.ok()) << entry.status();
    ASSERT_TRUE(entry->has_value());
    EXPECT_EQ((*entry)->record.events().sequence(), expected);
  }
  EXPECT_FALSE((*cursor->Next()).has_value());
}

}  // namespace
}  // namespace polyscene
