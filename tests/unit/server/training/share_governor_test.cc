#include "server/training/share_governor.h"

#include <gtest/gtest.h>

#include <random>

namespace polyscene {
namespace {

constexpr absl::Duration kFast = absl::Milliseconds(2);
constexpr absl::Duration kSlow = absl::Milliseconds(30);

// Beside a trainer that always has work, unless a test says otherwise.
class ShareGovernorTest : public testing::Test {
 protected:
  void Requests(absl::Duration took, int count) {
    for (int i = 0; i < count; ++i) meter_.Record(took);
  }

  // Time passes, in which the trainer worked for its share and rested for the rest of it. Whether a window is over.
  bool Pass(absl::Duration duration) {
    governor_.Worked(duration * governor_.share());
    governor_.Rested(duration * (1 - governor_.share()));
    return PassIdle(duration);
  }
  bool PassIdle(absl::Duration duration) {
    now_ += duration;
    return governor_.Judge(now_, meter_.Read()).has_value();
  }

  void GoTo(double share) {
    while (governor_.share() > share) {
      Requests(kSlow, 100);
      Pass(absl::Milliseconds(100));
    }
  }

  double share() const { return governor_.share(); }

  absl::Time now_ = absl::UnixEpoch();
  LatencyMeter meter_{absl::Milliseconds(10)};
  ShareGovernor governor_{now_, meter_.Read(), meter_.target()};
};

TEST_F(ShareGovernorTest, BeginsWithEverything) { EXPECT_EQ(share(), 1); }

TEST_F(ShareGovernorTest, AWindowAboveTheTargetHalvesTheShare) {
  Requests(kFast, 95);
  Requests(kSlow, 5);
  EXPECT_TRUE(Pass(absl::Milliseconds(100)));
  EXPECT_EQ(share(), 0.5);
}

TEST_F(ShareGovernorTest, ASlowRequestInAHundredIsNotAbove) {
  Requests(kFast, 495);
  Requests(kSlow, 5);
  EXPECT_TRUE(Pass(absl::Milliseconds(100)));
  EXPECT_EQ(share(), 1);
}

TEST_F(ShareGovernorTest, WhatChanceMayMakeOfOneInAHundredIsNotAbove) {
  Requests(kFast, 96);
  Requests(kSlow, 4);
  EXPECT_FALSE(Pass(absl::Milliseconds(100)));  // It is looked at longer.
  Requests(kFast, 400);
  EXPECT_TRUE(Pass(absl::Milliseconds(400)));
  EXPECT_EQ(share(), 1);
}

TEST_F(ShareGovernorTest, MoreThanOneInAHundredWhereItMayBeChanceTrimsTheShare) {
  Requests(kFast, 492);
  Requests(kSlow, 8);
  EXPECT_TRUE(Pass(absl::Milliseconds(500)));
  EXPECT_NEAR(share(), 0.9, 1e-9);
}

TEST_F(ShareGovernorTest, AWindowBelowTheTargetRaisesTheShareByItsLength) {
  GoTo(0.25);
  Requests(kFast, 500);
  Pass(absl::Milliseconds(400));
  EXPECT_NEAR(share(), 0.25 + 0.25 * 0.4, 1e-9);
}

TEST_F(ShareGovernorTest, AChangeIsGivenTimeToShow) {
  Requests(kSlow, 1000);
  EXPECT_FALSE(Pass(absl::Milliseconds(99)));
  EXPECT_TRUE(Pass(absl::Milliseconds(1)));
  EXPECT_EQ(share(), 0.5);
}

TEST_F(ShareGovernorTest, UnderOverloadAFloorIsReachedWithinASecondAndKept) {
  for (int tenth = 0; tenth < 6; ++tenth) {
    Requests(kSlow, 50);
    Pass(absl::Milliseconds(100));
  }
  EXPECT_EQ(share(), ShareGovernor::kFloor);
  Requests(kSlow, 50);
  Pass(absl::Milliseconds(100));
  EXPECT_EQ(share(), ShareGovernor::kFloor);
}

TEST_F(ShareGovernorTest, OnceLatencyIsWellEverythingIsBackInFourSeconds) {
  GoTo(ShareGovernor::kFloor);
  for (int tenth = 0; tenth < 40; ++tenth) {
    EXPECT_LT(share(), 1);
    Requests(kFast, 100);
    Pass(absl::Milliseconds(100));
  }
  EXPECT_EQ(share(), 1);
}

TEST_F(ShareGovernorTest, FewRequestsMakeLongWindows) {
  GoTo(0.25);
  for (int tenth = 1; tenth < 20; ++tenth) {
    Requests(kFast, 4);
    EXPECT_FALSE(Pass(absl::Milliseconds(100))) << tenth;
  }
  Requests(kFast, 4);
  EXPECT_TRUE(Pass(absl::Milliseconds(100)));
  EXPECT_NEAR(share(), 0.75, 1e-9);
}

TEST_F(ShareGovernorTest, TwoSlowOnesThatAreAllThereAreAreAtOnceTooMany) {
  Requests(kSlow, 2);
  EXPECT_TRUE(Pass(absl::Milliseconds(100)));
  EXPECT_EQ(share(), 0.5);
}

TEST_F(ShareGovernorTest, OfFewOneSlowOneMayBeChance) {
  Requests(kSlow, 1);
  Requests(kFast, 20);
  EXPECT_FALSE(Pass(absl::Milliseconds(1900)));
  EXPECT_TRUE(Pass(absl::Milliseconds(100)));
  EXPECT_EQ(share(), 1);
}

TEST_F(ShareGovernorTest, OfFewOneSlowOneRaisesNothing) {
  Requests(kSlow, 10);
  Requests(kFast, 90);
  Pass(absl::Milliseconds(100));
  ASSERT_EQ(share(), 0.5);
  Requests(kSlow, 1);
  Requests(kFast, 20);
  EXPECT_TRUE(Pass(absl::Seconds(2)));
  EXPECT_EQ(share(), 0.5);
  Requests(kFast, 21);
  EXPECT_TRUE(Pass(absl::Seconds(2)));
  EXPECT_EQ(share(), 1);
}

TEST_F(ShareGovernorTest, OfVeryFewOneSlowOneIsTooMany) {
  Requests(kSlow, 1);
  Requests(kFast, 9);
  EXPECT_TRUE(Pass(absl::Seconds(2)));
  EXPECT_EQ(share(), 0.5);
}

TEST_F(ShareGovernorTest, AFewRequestsThatAreSlowWhateverItDoesDoNotHoldItBack) {
  for (int window = 0; window < 2; ++window) {
    Requests(kSlow, 3);
    Pass(absl::Seconds(2));
  }
  EXPECT_EQ(share(), 0.25);  // Two decreases, to no avail.
  for (int window = 0; window < 3; ++window) {
    Requests(kSlow, 3);
    Pass(absl::Seconds(2));
  }
  EXPECT_EQ(share(), 1);
}

TEST_F(ShareGovernorTest, MoreSlowOnesThanThereAreAnywayHoldItBackAgain) {
  for (int window = 0; window < 3; ++window) {
    Requests(kSlow, 20);
    Requests(kFast, 80);
    Pass(absl::Seconds(2));
  }
  const double raised = share();
  EXPECT_GT(raised, 0.25);
  Requests(kSlow, 40);
  Requests(kFast, 60);
  Pass(absl::Seconds(2));
  EXPECT_EQ(share(), raised / 2);
}

TEST_F(ShareGovernorTest, SlowRequestsThatItsRestsHelpedHoldItBack) {
  Requests(kSlow, 40);
  Requests(kFast, 60);
  Pass(absl::Seconds(2));
  for (int window = 0; window < 2; ++window) {
    Requests(kSlow, 20);
    Requests(kFast, 80);
    Pass(absl::Seconds(2));
  }
  EXPECT_EQ(share(), 0.125);
}

TEST_F(ShareGovernorTest, WithoutTrafficTheTrainerGetsEverything) {
  GoTo(ShareGovernor::kFloor);
  EXPECT_FALSE(Pass(absl::Milliseconds(900)));
  EXPECT_TRUE(Pass(absl::Milliseconds(100)));
  EXPECT_EQ(share(), 1);
}

TEST_F(ShareGovernorTest, WhatATrainerWithLittleToDoCostsIsNoReasonToGiveItMore) {
  GoTo(0.25);
  Requests(kFast, 500);
  governor_.Worked(absl::Milliseconds(20));
  governor_.Rested(absl::Milliseconds(20));
  EXPECT_TRUE(PassIdle(absl::Milliseconds(100)));
  EXPECT_EQ(share(), 0.25);
}

TEST_F(ShareGovernorTest, ARestAloneIsNoReasonToGiveMore) {
  GoTo(ShareGovernor::kFloor);
  for (int tenth = 0; tenth < 5; ++tenth) {
    Requests(kFast, 100);
    governor_.Rested(absl::Milliseconds(100));
    EXPECT_FALSE(PassIdle(absl::Milliseconds(100)));
  }
  Requests(kFast, 100);
  governor_.Worked(absl::Milliseconds(10));
  EXPECT_TRUE(PassIdle(absl::Milliseconds(10)));
  EXPECT_NEAR(share(), ShareGovernor::kFloor + 0.25 * 0.51, 1e-9);
}

TEST_F(ShareGovernorTest, SlowRequestsTakeFromATrainerThatOnlyRests) {
  GoTo(0.25);
  Requests(kSlow, 100);
  governor_.Rested(absl::Milliseconds(100));
  EXPECT_TRUE(PassIdle(absl::Milliseconds(100)));
  EXPECT_EQ(share(), 0.125);
}

TEST_F(ShareGovernorTest, AJudgedWindowTellsItsRequests) {
  Requests(kFast, 550);
  now_ += absl::Milliseconds(100);
  governor_.Worked(absl::Milliseconds(100));
  EXPECT_EQ(governor_.Judge(now_, meter_.Read())->requests(), 550);
  Requests(kSlow, 120);
  now_ += absl::Milliseconds(100);
  EXPECT_EQ(governor_.Judge(now_, meter_.Read())->slow(), 120);
}

// A machine on which what is served slows down with the share of the trainer: from 5 ms without it to 20 ms with all of
// it, so that a third of the time is what the target leaves.
TEST_F(ShareGovernorTest, SettlesAroundTheShareThatKeepsTheTarget) {
  double sum = 0;
  for (int tenth = 0; tenth < 1100; ++tenth) {
    Requests(absl::Milliseconds(5) + absl::Milliseconds(15) * share(), 100);
    Pass(absl::Milliseconds(100));
    if (tenth >= 100) sum += share();
  }
  EXPECT_GT(sum / 1000, 0.2);
  EXPECT_LT(sum / 1000, 1.0 / 3);
}

// Requests by chance: 60 in a tenth of a second, each slow with a probability that the share has a say in.
class ShareGovernorChanceTest : public ShareGovernorTest {
 protected:
  template <typename SlowAt>
  void Run(int tenths, SlowAt&& slow_at) {
    for (int tenth = 0; tenth < tenths; ++tenth) {
      std::bernoulli_distribution is_slow(slow_at(share()));
      for (int i = 0; i < kRequests; ++i) {
        const bool slow = is_slow(random_);
        slow_ += slow;
        Requests(slow ? kSlow : kFast, 1);
      }
      shares_ += share();
      Pass(absl::Milliseconds(100));
    }
    mean_share_ = shares_ / tenths;
    mean_slow_ = static_cast<double>(slow_) / (tenths * kRequests);
  }

  static constexpr int kRequests = 60;
  std::mt19937 random_{1};
  double shares_ = 0;
  int64_t slow_ = 0;
  double mean_share_ = 0;
  double mean_slow_ = 0;
};

TEST_F(ShareGovernorChanceTest, WhereThePercentileIsBelowTheTargetItLeavesTheTrainerNearlyEverything) {
  Run(3000, [](double) { return 0.007; });
  EXPECT_GT(mean_share_, 0.9);
}

TEST_F(ShareGovernorChanceTest, WhereTheTrainerMakesItTooManySettlesAtOneInAHundred) {
  Run(10'000, [](double share) { return 0.002 + 0.02 * share; });  // One in a hundred at a share of 0.4.
  EXPECT_GT(mean_slow_, 0.008);
  EXPECT_LT(mean_slow_, 0.013);
}

TEST_F(ShareGovernorChanceTest, WhereTwoInAHundredAreSlowItGivesUpMostOfItsTime) {
  Run(3000, [](double) { return 0.02; });
  EXPECT_LT(mean_share_, 0.5);
}

}  // namespace
}  // namespace polyscene
