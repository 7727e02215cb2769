#include "server/sync/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/time/clock.h"

namespace polyscene {
namespace {

// What the lock guards is a plain int, so that ThreadSanitizer reports a lock it cannot see through.
class MutexTest : public testing::Test {
 protected:
  Mutex mu_;
  CondVar changed_;
  int value_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST_F(MutexTest, OneThreadAtATimeIsInside) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 1000; ++i) {
        MutexLock lock(&mu_);
        ++value_;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  MutexLock lock(&mu_);
  EXPECT_EQ(value_, 4000);
}

TEST_F(MutexTest, AWaitLetsTheOtherInAndReturnsHoldingTheLock) {
  std::thread other([this] {
    MutexLock lock(&mu_);
    value_ = 1;
    changed_.Signal();
  });
  {
    MutexLock lock(&mu_);
    while (value_ == 0) changed_.Wait(&mu_);
    EXPECT_EQ(value_, 1);
  }
  other.join();
}

TEST_F(MutexTest, ATimedWaitIsWokenLongBeforeItsTimeout) {
  std::thread other([this] {
    MutexLock lock(&mu_);
    value_ = 1;
    changed_.SignalAll();
  });
  {
    MutexLock lock(&mu_);
    while (value_ == 0) EXPECT_FALSE(changed_.WaitWithTimeout(&mu_, absl::InfiniteDuration()));
  }
  other.join();
}

TEST_F(MutexTest, ATimedWaitEndsWithItsTimeout) {
  MutexLock lock(&mu_);
  const absl::Time before = absl::Now();
  while (!changed_.WaitWithTimeout(&mu_, absl::Milliseconds(1))) {
  }
  EXPECT_GE(absl::Now() - before, absl::Milliseconds(1));
}

TEST_F(MutexTest, AWaitForNoTimeReturnsAtOnce) {
  MutexLock lock(&mu_);
  EXPECT_TRUE(changed_.WaitWithTimeout(&mu_, absl::ZeroDuration()));
  EXPECT_TRUE(changed_.WaitWithTimeout(&mu_, -absl::InfiniteDuration()));
}

}  // namespace
}  // namespace polyscene
