#include "model/device/staging.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/device/work_recorder.h"

namespace polyscene {
namespace {

TEST(StagingTest, PartsArriveAsTheyWereWritten) {
  Staging staging{torch::Device("cpu")};
  for (const int64_t count : {3, 100, 5}) {  // Grows, and keeps what it has.
    staging.Begin(3 * Staging::kAlignment + count * 12);
    Staging::Part<int64_t> places;
    Staging::Part<float> none;
    Staging::Part<float> values;
    for (int64_t i = 0; int64_t & place : staging.Add(count, places)) place = i++;
    staging.Add(0, none);
    for (float& value : staging.Add(count, values)) value = 0.5f;
    staging.Send();
    EXPECT_TRUE(staging.Sent(places).equal(torch::arange(count, torch::kInt64)));
    EXPECT_EQ(staging.Sent(none).numel(), 0);
    EXPECT_TRUE(staging.Sent(values).equal(torch::full({count}, 0.5f)));
  }
}

TEST(WorkRecorderTest, OnTheCpuWorkIsDoneAgain) {
  int done = 0;
  const std::function<void()> again = CreateWorkRecorder(torch::Device("cpu"))->Record([&done] { ++done; });
  again();
  again();
  EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace polyscene
