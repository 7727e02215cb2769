#include "client/load/live_line.h"

#include <unistd.h>

#include <chrono>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/report/text_table.h"

namespace polyscene::load {

LiveLine::LiveLine(std::string title, const LoadRun& run)
    : title_(std::move(title)), run_(run), terminal_(isatty(STDERR_FILENO) == 1), thread_([this] { Run(); }) {}

LiveLine::~LiveLine() {
  {
    std::lock_guard<std::mutex> lock(mu_);
    stopping_ = true;
  }
  stop_changed_.notify_all();
  thread_.join();
}

void LiveLine::Run() {
  const std::chrono::seconds interval(terminal_ ? 1 : 5);
  int64_t seconds = 0;
  std::unique_lock<std::mutex> lock(mu_);
  while (!stop_changed_.wait_for(lock, interval, [this] { return stopping_; })) {
    seconds += interval.count();
    const Measured measured = run_.progress();
    std::string line = absl::StrCat(title_, ": ", seconds, " s, ", WithThousands(measured.requests), " requests");
    if (measured.latency.count() > 0) {
      absl::StrAppendFormat(&line, ", p50 %.2f ms, p99 %.2f ms", 1e3 * measured.latency.QuantileSeconds(0.5),
                            1e3 * measured.latency.QuantileSeconds(0.99));
    }
    const int64_t errors = measured.error_count();
    if (errors > 0) absl::StrAppend(&line, ", ", WithThousands(errors), errors == 1 ? " error" : " errors");
    std::cerr << (terminal_ ? absl::StrCat("\r\x1b[K", line) : line + "\n") << std::flush;
  }
  if (terminal_ && seconds > 0) std::cerr << "\r\x1b[K" << std::flush;
}

}  // namespace polyscene::load
