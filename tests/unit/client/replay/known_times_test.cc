#include "client/replay/known_times.h"

#include "gtest/gtest.h"

namespace polyscene::replay {
namespace {

constexpr int64_t kDay = int64_t{86'400} * 1'000'000;

FileTime Day(int64_t day) { return {day * kDay, true}; }
FileTime Moment(int64_t micros) { return {micros, false}; }

TEST(KnownAtTest, ADayIsKnownAtItsEnd) { EXPECT_EQ(KnownAt(Day(10), Day(12)), 13 * kDay); }

TEST(KnownAtTest, WhatHappensOnADayIsNotKnownBeforeItsEnd) {
  EXPECT_EQ(KnownAt(Day(10), Day(10)), 11 * kDay);
  EXPECT_EQ(KnownAt(Day(10), Day(7)), 11 * kDay) << "cancelled before: the row tells of the event's day";
}

TEST(KnownAtTest, AMomentIsKnownThenButNotBeforeTheEvent) {
  EXPECT_EQ(KnownAt(Moment(500), Moment(700)), 700);
  EXPECT_EQ(KnownAt(Moment(500), Moment(300)), 500);
}

TEST(KnownAtTest, OfADayAndAMomentTheDayEndsAndTheMomentIsItself) {
  EXPECT_EQ(KnownAt(Day(10), Moment(10 * kDay + 5)), 10 * kDay + 5);
  EXPECT_EQ(KnownAt(Moment(10 * kDay + 5), Day(10)), 11 * kDay);
}

TEST(KnownAtTest, WithoutATimeOfItsOwnALabelComesWithItsEvent) {
  EXPECT_EQ(KnownAt(Moment(500), {}), 500);
  EXPECT_EQ(KnownAt(Day(10), {}), 11 * kDay);
}

}  // namespace
}  // namespace polyscene::replay
