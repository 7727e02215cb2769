// Which share of the time the trainer may work, judged by what Predict's latency does meanwhile.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "server/metrics/latency_meter.h"

namespace polyscene {

// Additive increase, multiplicative decrease (Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for
// Congestion Avoidance in Computer Networks", 1989): halved by a window of requests whose p99 is above the target,
// raised by a quarter a second while windows are below it. So it comes to rest where windows are above now and then,
// and is out of the way within a second where they all are.
//
// A p99 at the target leaves one slow request in a hundred, and of a few hundred chance makes none or five of that: a
// share that were halved by each such five would be small on a machine where nothing is wrong. So a window goes on for
// 500 requests, or 2 s, and is below with no more slow ones than expected; it is above as soon as, from 100 ms on, it
// has more of them than chance would bring once in a hundred windows, or one of at most ten at its end. In between the
// share is trimmed by a tenth: by and by more than one in a hundred is too many; but one slow one of less than a
// hundred may be either, and leaves it as it is. A window without a request in a second lets the trainer have
// everything.
//
// Requests that are slow whatever the trainer does, such as a few very large ones on an idle machine, are no reason to
// hold it back: where a share that was halved twice left as many of them slow, and less than half a request was in
// flight on average, so many slow ones count as none until there are more, or more is in flight.
//
// The share is raised only by windows in which the trainer worked and wanted half of the time at least: latencies
// beside a trainer that had little to do say nothing of what more of it would cost (as TCP, RFC 7661).
//
// Not thread-safe. Times are of a clock that nobody sets; counts since any moment, the same one throughout.
class ShareGovernor {
 public:
  // Learning never stops: what is left of it at the worst.
  static constexpr double kFloor = 0.02;

  // target: of the latencies that are counted.
  ShareGovernor(absl::Time now, const LatencyCounts& counts, absl::Duration target)
      : target_(target), begun_at_(now), begun_with_(counts) {}

  // What the trainer did in the window that goes on: it worked, or had work and rested because of its share.
  void Worked(absl::Duration duration) { worked_ += duration; }
  void Rested(absl::Duration duration) { rested_ += duration; }

  // Where the window is over, sets the share, begins the next one and returns the requests by which it was judged.
  std::optional<LatencyCounts> Judge(absl::Time now, const LatencyCounts& counts);

  double share() const { return share_; }

 private:
  // What the window says of the share; nothing while it is to go on.
  std::optional<double> Verdict(absl::Duration length, const LatencyCounts& window);
  // Where its p99 is, as far as the window tells.
  enum class Finding { kUnclear, kBelow, kEither, kNear, kAbove };
  Finding Look(absl::Duration length, const LatencyCounts& window) const;
  // Whether the slow requests of a window may be slow because of the trainer; there are some.
  bool IsOfTheTrainer(absl::Duration length, const LatencyCounts& window);

  struct Decline {
    double from = 1;  // The share that it began with,
    double slow = 0;  // and the share of requests that were slow then.
  };

  const absl::Duration target_;
  double share_ = 1;
  std::optional<Decline> decline_;  // While one window after the other is too slow.
  double slow_anyway_ = 0;          // The share of requests that stayed slow in a decline to no avail.
  absl::Time begun_at_;
  LatencyCounts begun_with_;
  absl::Duration worked_;
  absl::Duration rested_;
};

}  // namespace polyscene
