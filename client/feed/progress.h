// Progress of a long command on standard error.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <mutex>
#include <string>
#include <thread>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace polyscene::cli {

// What a command that streams events has to tell.
struct ProgressFigures {
  int64_t sent = 0;
  int64_t acknowledged = 0;
  int64_t rejected = 0;
  int64_t learned = 0;
  double rate = 0;          // Rows a second that come as far as is waited for.
  double fraction = -1;     // Of all rows, those that have come so far; below 0: not known.
  double eta_seconds = -1;  // Below 0: not known.
  std::string trouble;      // Why nothing goes on, if so.
};

// "[#####.....]  50 %  1,000 sent  ...", `bar` characters wide between the brackets.
std::string RenderBar(const ProgressFigures& figures, int bar);

// "1,000 rows sent, ...", for logs.
std::string RenderLine(const ProgressFigures& figures);

struct ProgressOptions {
  bool terminal = false;  // A bar that is drawn over itself, instead of lines below each other.
  absl::Duration line_interval = absl::Seconds(3);
  absl::Duration bar_interval = absl::Milliseconds(200);
};

// Draws what `figures` returns, now and then, from a thread of its own, so that a wait for the server is seen too.
// Threads: Message() from any.
class ProgressPrinter {
 public:
  ProgressPrinter(ProgressOptions options, std::ostream& out, std::function<ProgressFigures()> figures);
  ~ProgressPrinter();  // Stop().

  void Message(absl::string_view line);  // A line of its own, above the bar.
  void Stop();                           // Draws a last time (the final figures, on a terminal) and ends.

 private:
  void Run();
  void ClearBar();  // With mu_ held, as the next.
  void DrawBar(const ProgressFigures& figures);

  const ProgressOptions options_;
  const std::function<ProgressFigures()> figures_;

  std::mutex mu_;  // Guards everything below but thread_.
  std::condition_variable stop_changed_;
  std::ostream& out_;
  bool stopping_ = false;
  size_t bar_width_ = 0;  // Of what stands on the terminal's last line.

  std::thread thread_;
};

}  // namespace polyscene::cli
