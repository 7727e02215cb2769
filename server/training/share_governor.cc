#include "server/training/share_governor.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace polyscene {
namespace {

constexpr absl::Duration kShortest = absl::Milliseconds(100);  // A change shows in requests that come after it.
constexpr absl::Duration kLongest = absl::Seconds(2);
constexpr absl::Duration kQuiet = absl::Seconds(1);
constexpr double kMaySlow = 0.01;  // Of the requests: what a p99 at the target leaves.
// Slow ones more than expected that are no chance: of 60 requests that one in a hundred is slow of, 4 are in one window
// of 300, and of 500, 11 in one of 70.
constexpr double kSigmas = 2;
constexpr double kAtLeast = 1;
constexpr uint64_t kEnough = 500;  // Requests that tell one slow one in a hundred from two.
constexpr uint64_t kFew = 10;      // So few of which one is slow are no chance: of a hundred, one would be.

constexpr double kIdle = 0.5;     // Requests in flight on average below which the processors wait for some.
constexpr double kNoAvail = 0.8;  // What is left of the slow ones, where holding the trainer back was no help.
constexpr double kMore = 1.25;    // Than those that are slow anyway.

constexpr double kDecrease = 0.5;
constexpr double kTrim = 0.9;
constexpr double kIncreaseASecond = 0.25;

}  // namespace

ShareGovernor::Finding ShareGovernor::Look(absl::Duration length, const LatencyCounts& window) const {
  const uint64_t requests = window.requests();
  const auto slow = static_cast<double>(window.slow());
  const double expected = kMaySlow * static_cast<double>(requests);
  const bool complete = requests >= kEnough || length >= kLongest;
  if (slow > expected + kSigmas * std::sqrt(expected) + kAtLeast) return Finding::kAbove;
  if (complete && slow > 0 && requests <= kFew) return Finding::kAbove;
  if (!complete) return Finding::kUnclear;
  if (slow <= expected) return Finding::kBelow;
  return slow <= kAtLeast ? Finding::kEither : Finding::kNear;
}

bool ShareGovernor::IsOfTheTrainer(absl::Duration length, const LatencyCounts& window) {
  const double slow_share = static_cast<double>(window.slow()) / static_cast<double>(window.requests());
  const bool idle = absl::FDivDuration(window.Total() * target_, length) < kIdle;
  if (!idle) slow_anyway_ = 0;
  if (slow_share <= slow_anyway_ * kMore) return false;
  if (!decline_.has_value()) decline_ = Decline{share_, slow_share};
  if (!idle || share_ > decline_->from * kDecrease * kDecrease || slow_share < decline_->slow * kNoAvail) return true;
  slow_anyway_ = slow_share;
  decline_.reset();
  return false;
}

std::optional<double> ShareGovernor::Verdict(absl::Duration length, const LatencyCounts& window) {
  if (length < kShortest) return std::nullopt;
  if (window.requests() == 0 && length >= kQuiet) return 1;
  const Finding finding = Look(length, window);
  if (finding == Finding::kUnclear) return std::nullopt;
  if (finding == Finding::kEither) return share_;
  if (finding == Finding::kBelow) {
    decline_.reset();
    slow_anyway_ = 0;
  } else if (IsOfTheTrainer(length, window)) {
    return share_ * (finding == Finding::kAbove ? kDecrease : kTrim);
  }
  if (worked_ <= absl::ZeroDuration()) return std::nullopt;
  if (worked_ + rested_ < length / 2) return share_;
  return share_ + kIncreaseASecond * absl::ToDoubleSeconds(std::min(length, kLongest));
}

std::optional<LatencyCounts> ShareGovernor::Judge(absl::Time now, const LatencyCounts& counts) {
  const LatencyCounts window = counts - begun_with_;
  const std::optional<double> share = Verdict(now - begun_at_, window);
  if (!share.has_value()) return std::nullopt;
  share_ = std::clamp(*share, kFloor, 1.0);
  begun_at_ = now;
  begun_with_ = counts;
  worked_ = rested_ = absl::ZeroDuration();
  return window;
}

}  // namespace polyscene
