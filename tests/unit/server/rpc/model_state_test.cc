#include "server/rpc/model_state.h"

#include <gtest/gtest.h>

namespace polyscene {
namespace {

TEST(ModelState, SaysWhichWeightsAndHowOldTheyAre) {
  SnapshotInfo info;
  info.version = 7;
  info.rows_learned = 1000;
  info.learned_up_to_micros = 42;
  info.published_at = absl::FromUnixSeconds(100);
  v1::ModelState state;
  FillModelState(info, absl::FromUnixSeconds(100) + absl::Milliseconds(2500), &state);
  EXPECT_EQ(state.version(), 7);
  EXPECT_EQ(state.rows_learned(), 1000);
  EXPECT_EQ(state.learned_up_to_micros(), 42);
  EXPECT_EQ(state.weight_age_seconds(), 2.5);
}

TEST(ModelState, AnAgeIsNeverBelowZeroThoughTheClockWasSetBack) {
  SnapshotInfo info;
  info.published_at = absl::FromUnixSeconds(100);
  v1::ModelState state;
  FillModelState(info, absl::FromUnixSeconds(50), &state);
  EXPECT_EQ(state.weight_age_seconds(), 0);
}

}  // namespace
}  // namespace polyscene
