#include <gtest/gtest.h>

#include "server/batching/retry_hint.h"
#include "server/rpc/grpc_status.h"

namespace polyscene {
namespace {

const absl::Status kFull = absl::ResourceExhaustedError("full");

TEST(RetryAfterTest, IsTheHintInWholeMilliseconds) {
  EXPECT_EQ(RetryAfterMilliseconds(WithRetryHint(kFull, absl::Microseconds(1500))), 2);
  EXPECT_EQ(RetryAfterMilliseconds(WithRetryHint(kFull, absl::Seconds(10))), 10'000);
}

TEST(RetryAfterTest, IsATenthOfASecondWithoutAHint) { EXPECT_EQ(RetryAfterMilliseconds(kFull), 100); }

TEST(RetryAfterTest, OnlyWhatIsExhaustedIsRetriedByTime) {
  EXPECT_EQ(RetryAfterMilliseconds(WithRetryHint(absl::InvalidArgumentError("ragged"), absl::Seconds(1))), 0);
  EXPECT_EQ(RetryAfterMilliseconds(absl::OkStatus()), 0);
}

TEST(RetryHintTest, LeavesCodeAndMessageAsTheyAre) {
  const absl::Status hinted = WithRetryHint(kFull, absl::Milliseconds(7));
  EXPECT_EQ(hinted.code(), kFull.code());
  EXPECT_EQ(hinted.message(), kFull.message());
  EXPECT_EQ(RetryHint(hinted), absl::Milliseconds(7));
  EXPECT_EQ(RetryHint(kFull), std::nullopt);
}

}  // namespace
}  // namespace polyscene
