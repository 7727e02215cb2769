// Progress of training on standard error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace polyscene {

struct ProgressOptions {
  bool terminal = false;  // A bar that is drawn over itself, instead of lines below each other.
  absl::Duration line_interval = absl::Seconds(3);
  absl::Duration bar_interval = absl::Milliseconds(200);
};

// Tells how far a piece of work is, now and then. Not thread-safe.
class Progress {
 public:
  Progress(ProgressOptions options, std::ostream& out);
  ~Progress();  // Clear().

  // Begins a piece of work: "epoch 2 of 4".
  void Begin(std::string what);

  // How far it is. rows: done of it, or -1 where they are not counted. fraction: of all that is left to do, with what
  // was done before Begin() where the work is a part of a whole; the remaining time is told from it.
  void Update(int64_t rows, double fraction, absl::Time now);

  // What the remaining time is reckoned from.
  void StartClock(absl::Time now) { start_ = now; }

  void Message(absl::string_view line);  // A line of its own, above the bar.
  void Clear();                          // Takes the bar away.

 private:
  const ProgressOptions options_;
  std::ostream& out_;
  std::string what_;
  absl::Time start_ = absl::InfinitePast();  // Of the whole.
  absl::Time begin_ = absl::InfinitePast();  // Of this piece: its first update.
  absl::Time drawn_ = absl::InfinitePast();
  size_t bar_width_ = 0;  // Of what stands on the terminal's last line.
};

}  // namespace polyscene
