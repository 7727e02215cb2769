#include "server/training/share_governor.h"

#include <algorithm>
#include <cstdint>

namespace polyscene {
namespace {

constexpr absl::Duration kShortest = absl::Milliseconds(100);  // A change shows in requests that come after it.
constexpr absl::Duration kLongest = absl::Seconds(2);
constexpr absl::Duration kQuiet = absl::Seconds(1);
constexpr uint64_t kEnough = 100;  // Requests of which one may be slow.
constexpr uint64_t kFew = 10;      // So few of which one is slow are no chance: of a hundred, one would be.

constexpr double kIdle = 0.5;     // Requests in flight on average below which the processors wait for some.
constexpr double kNoAvail = 0.8;  // What is left of the slow ones, where holding the trainer back was no help.
constexpr double kMore = 1.25;    // Than those that are slow anyway.

constexpr double kDecrease = 0.5;
constexpr double kIncreaseASecond = 0.25;

}  // namespace

bool ShareGovernor::TooSlow(absl::Duration length, const LatencyCounts& window, bool complete) {
  const uint64_t requests = window.requests();
  const uint64_t slow = window.slow();
  // Whatever the rest of a hundred do, two slow ones are too many.
  const bool too_many = slow * kEnough > std::max(requests, kEnough) || (complete && slow > 0 && requests <= kFew);
  if (!too_many) {
    if (complete && requests > 0) {
      decline_.reset();
      slow_anyway_ = 0;
    }
    return false;
  }
  const double slow_share = static_cast<double>(slow) / static_cast<double>(requests);
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
  const uint64_t requests = window.requests();
  const bool complete = requests >= kEnough || length >= kLongest;
  if (TooSlow(length, window, complete)) return share_ * kDecrease;
  if (requests == 0 && length >= kQuiet) return 1;
  if (!complete || worked_ <= absl::ZeroDuration()) return std::nullopt;
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
