#include "model/report/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstring>
#include <string>

namespace polyscene {
namespace {

// A handler may neither allocate nor lock, so the names wait in arrays.
struct Place {
  std::atomic<bool> used{false};
  char file[PATH_MAX];
  char directory[PATH_MAX];
};
Place places[4];
std::atomic<const char*> first_answer{""};
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<const char*>::is_always_lock_free);

void Handle(int signal_number) {
  if (!interrupted.exchange(true)) {
    const char* const answer = first_answer.load();
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, answer, std::strlen(answer));
    return;
  }
  for (const Place& place : places) {
    if (!place.used.load()) continue;
    unlink(place.file);
    if (place.directory[0] != '\0') rmdir(place.directory);
  }
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void Copy(const std::filesystem::path& path, char* to) {
  const std::string text = path.string();
  std::strncpy(to, text.c_str(), PATH_MAX - 1);
  to[PATH_MAX - 1] = '\0';
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

HalfWritten::HalfWritten(const std::filesystem::path& file, const std::filesystem::path& directory) {
  for (int i = 0; i < 4 && place_ < 0; ++i) {
    if (places[i].used.load()) continue;
    Copy(file, places[i].file);
    Copy(directory, places[i].directory);
    places[i].used.store(true);
    place_ = i;
  }
}

HalfWritten::~HalfWritten() {
  if (place_ >= 0) places[place_].used.store(false);
}

}  // namespace polyscene
