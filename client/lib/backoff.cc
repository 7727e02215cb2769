#include "client/lib/backoff.h"

#include <algorithm>

namespace polyscene::client {

absl::Duration Backoff::Next() {
  const absl::Duration delay = next_ * absl::Uniform(random_, 0.5, 1.0);
  next_ = std::min(next_ * options_.growth, options_.maximum);
  return delay;
}

}  // namespace polyscene::client
