#include "client/load/arrivals.h"

#include <cmath>

namespace polyscene::load {

absl::Duration Arrivals::Next() {
  ++made_;
  if (kind_ == Kind::kUniform) {
    seconds_ = static_cast<double>(made_) / rate_;  // Not a sum of gaps, whose rounding would add up.
  } else {
    constexpr double kUnit = 0x1p-53;
    const double uniform = (static_cast<double>(random_() >> 11) + 0.5) * kUnit;  // Within (0, 1).
    seconds_ -= std::log(uniform) / rate_;
  }
  return absl::Seconds(seconds_);
}

}  // namespace polyscene::load
