#include "model/fault/fault_point.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace polyscene {
namespace {

// Which point ends the process, and how often it is still passed before.
class ArmedFault {
 public:
  // Reads the environment once. What it does not understand arms nothing.
  static ArmedFault& Get() {
    static ArmedFault fault;
    return fault;
  }

  void Pass(absl::string_view name) {
    if (name != name_ || left_.fetch_sub(1, std::memory_order_relaxed) != 1) return;
    kill(getpid(), SIGKILL);
    for (;;) pause();  // Nothing further happens on this thread.
  }

 private:
  ArmedFault() {
    const char* text = std::getenv("POLYSCENE_FAULT");
    if (text == nullptr) return;
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('@', 1));
    int64_t count = 0;
    if (!absl::SimpleAtoi(parts.second, &count) || count < 1) return;
    name_ = parts.first;
    left_ = count;
  }

  std::string name_;
  std::atomic<int64_t> left_{0};
};

}  // namespace

void FaultPoint(absl::string_view name) { ArmedFault::Get().Pass(name); }

}  // namespace polyscene
