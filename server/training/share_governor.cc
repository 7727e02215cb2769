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

constexpr double kDecrease = 0.5;
constexpr double kIncreaseASecond = 0.25;

}  // namespace

std::optional<double> ShareGovernor::Verdict(absl::Duration length, const LatencyCounts& window) const {
  if (length < kShortest) return std::nullopt;
  const uint64_t requests = window.requests();
  const uint64_t slow = window.slow();
  const bool complete = requests >= kEnough || length >= kLongest;
  // Whatever the rest of a hundred do, two slow ones are too many.
  if (slow * kEnough > std::max(requests, kEnough) || (complete && slow > 0 && requests <= kFew)) {
    return share_ * kDecrease;
  }
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
