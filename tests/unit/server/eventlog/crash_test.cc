#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/server/eventlog/event_log_fixture.h"

namespace polyscene {
namespace {

// Starts appender_main.cc; its standard output comes out of *output.
pid_t StartAppender(const std::string& directory, int* output) {
  int pipes[2];
  if (::pipe(pipes) != 0) return -1;
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipes[1], STDOUT_FILENO);
    ::close(pipes[0]);
    ::close(pipes[1]);
    ::execl(APPENDER_PROGRAM, APPENDER_PROGRAM, directory.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(pipes[1]);
  *output = pipes[0];
  return child;
}

TEST(EventLogCrashTest, EverythingAcknowledgedBeforeAKillIsThereAfterIt) {
  TempDirectory directory;
  int output = -1;
  const pid_t child = StartAppender(directory.path().string(), &output);
  ASSERT_GT(child, 0);
  uint64_t acknowledged = 0;
  uint64_t sequence = 0;
  while (::read(output, &sequence, sizeof(sequence)) == sizeof(sequence)) {
    ASSERT_EQ(sequence, acknowledged + 1);
    acknowledged = sequence;
    if (acknowledged == 300) ::kill(child, SIGKILL);
  }
  ::close(output);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "exit status " << WEXITSTATUS(status);

  EventLogOptions options;
  options.directory = directory.path();
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
