#include "server/training/trainer_pace.h"

#include <algorithm>
#include <optional>

namespace polyscene {
namespace {

constexpr absl::Duration kLookInterval = absl::Milliseconds(100);  // At the share, while resting.
// After a step of 200 ms or less the least share is kept. Longer ones are rare, and perhaps only a machine that stood
// still: learning must not do so for an hour because of it.
constexpr absl::Duration kLongestRest = absl::Seconds(10);

}  // namespace

TrainerPace::TrainerPace(Metrics& metrics, const Clock& steady_clock)
    : metrics_(metrics),
      clock_(steady_clock),
      governor_(clock_.Now(), metrics_.predict_latency().Read(), metrics_.predict_latency().target()),
      begun_at_(clock_.Now()),
      ended_at_(begun_at_) {}

absl::Duration TrainerPace::BeginTurn() {
  const absl::Time now = clock_.Now();
  const absl::Duration since = now - ended_at_;
  begun_at_ = now;
  rested_ += since;
  governor_.Rested(std::min(since, told_));  // Beyond, it was paused, or had nothing to do.
  Judge(now);
  const double share = governor_.share();
  const absl::Duration owed = std::min(worked_ * ((1 - share) / share), kLongestRest) - rested_;
  if (owed <= absl::ZeroDuration()) worked_ = rested_ = absl::ZeroDuration();
  told_ = std::clamp(owed, absl::ZeroDuration(), kLookInterval);
  return told_;
}

void TrainerPace::EndTurn() {
  ended_at_ = clock_.Now();
  worked_ += ended_at_ - begun_at_;
  if (told_ == absl::ZeroDuration()) governor_.Worked(ended_at_ - begun_at_);  // A publish alone is no learning.
}

void TrainerPace::Judge(absl::Time now) {
  const LatencyMeter& meter = metrics_.predict_latency();
  const std::optional<LatencyCounts> window = governor_.Judge(now, meter.Read());
  if (!window.has_value()) return;
  metrics_.TrainerShare(governor_.share());
  if (window->requests() > 0) metrics_.TrainerSaw(meter.target() * window->Quantile(0.99));
}

}  // namespace polyscene
