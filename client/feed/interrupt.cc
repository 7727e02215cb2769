#include "client/feed/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstring>

namespace polyscene::cli {
namespace {

// A handler may neither allocate nor lock, so the name waits in an array.
char half_written[PATH_MAX];
std::atomic<bool> has_half_written{false};
std::atomic<const char*> first_answer{""};
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<const char*>::is_always_lock_free);

void Handle(int signal_number) {
  if (!interrupted.exchange(true)) {
    const char* const answer = first_answer.load();
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, answer, std::strlen(answer));
    return;
  }
  if (has_half_written.load()) unlink(half_written);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

}  // namespace

void CatchInterrupts(const char* answer) {
  first_answer = answer;
  struct sigaction action = {};
  action.sa_handler = Handle;
  action.sa_flags = SA_RESTART | SA_NODEFER;  // Raised again within the handler, it must end the process.
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool Interrupted() { return interrupted.load(); }

HalfWritten::HalfWritten(const std::string& file) {
  if (file.size() >= sizeof(half_written)) return;  // No file has such a name.
  std::strcpy(half_written, file.c_str());
  has_half_written = true;
}

HalfWritten::~HalfWritten() { has_half_written = false; }

}  // namespace polyscene::cli
