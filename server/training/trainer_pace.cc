#include "server/training/trainer_pace.h"

#include <algorithm>
#include <optional>

#include "absl/time/clock.h"

namespace polyscene {
namespace {

constexpr absl::Duration kLookInterval = absl::Milliseconds(100);      // At the share, while resting.
constexpr absl::Duration kStandBackInterval = absl::Microseconds(50);  // At the requests, while standing back.
constexpr absl::Duration kLongestStandBack = absl::Seconds(1);         // In a turn: who pauses or stops waits for it.
// After a step of 200 ms or less the least share is kept. Longer ones are rare, and perhaps only a machine that stood
// still: learning must not do so for an hour because of it.
constexpr absl::Duration kLongestRest = absl::Seconds(10);

}  // namespace

TrainerPace::TrainerPace(Metrics& metrics, const Clock& steady_clock, int processors)
    : metrics_(metrics),
      clock_(steady_clock),
      processors_(processors),
      governor_(clock_.Now(), metrics_.predict_latency().Read(), metrics_.predict_latency().target()),
      begun_at_(clock_.Now()),
      ended_at_(begun_at_) {}

absl::Duration TrainerPace::BeginTurn() {
  const absl::Time now = clock_.Now();
  const absl::Duration since = now - ended_at_;
  begun_at_ = now;
  stood_back_ = absl::ZeroDuration();
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
  const absl::Duration worked = ended_at_ - begun_at_ - stood_back_;
  worked_ += worked;
  rested_ += stood_back_;
  if (told_ > absl::ZeroDuration()) return;  // A publish alone is no learning.
  governor_.Worked(worked);
  governor_.Rested(stood_back_);
  if (stood_back_ > absl::ZeroDuration()) metrics_.TrainerStoodBack(stood_back_);
}

void TrainerPace::StandBack() {
  if (metrics_.in_scoring() <= processors_) return;
  const absl::Time since = clock_.Now();
  const absl::Duration before = stood_back_;
  const absl::Duration worked = since - begun_at_ - before;
  const absl::Duration most = std::min(worked * (1 / ShareGovernor::kFloor - 1), kLongestStandBack);
  while (metrics_.in_scoring() > processors_ && stood_back_ < most) {
    absl::SleepFor(kStandBackInterval);
    stood_back_ = before + (clock_.Now() - since);
  }
}

void TrainerPace::Judge(absl::Time now) {
  const LatencyMeter& meter = metrics_.predict_latency();
  const std::optional<LatencyCounts> window = governor_.Judge(now, meter.Read());
  if (!window.has_value()) return;
  metrics_.TrainerShare(governor_.share());
  if (window->requests() > 0) metrics_.TrainerSaw(meter.target() * window->Quantile(0.99));
}

}  // namespace polyscene
