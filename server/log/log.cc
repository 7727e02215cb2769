#include "server/log/log.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace polyscene {
namespace {

void WriteLine(absl::string_view severity, absl::string_view message) {
  std::string line = absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()), " ",
                                  severity, " ", message);
  std::replace(line.begin(), line.end(), '\n', ' ');
  line.push_back('\n');
  // One write() a line: lines of different threads cannot mix, as they could in a buffered stream.
  for (absl::string_view rest = line; !rest.empty();) {
    const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

void LogInfo(absl::string_view message) { WriteLine("INFO", message); }
void LogWarning(absl::string_view message) { WriteLine("WARNING", message); }
void LogError(absl::string_view message) { WriteLine("ERROR", message); }

}  // namespace polyscene
