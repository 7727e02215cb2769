#include "server/rpc/background_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace polyscene {
namespace {

using ::testing::ElementsAre;

TEST(BackgroundWorker, DoesEverythingInOrderBeforeItEnds) {
  std::vector<int> done;
  {
    BackgroundWorker worker(10);
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(worker.Submit([&done, i] { done.push_back(i); }).ok());
  }
  EXPECT_THAT(done, ElementsAre(1, 2, 3));
}

TEST(BackgroundWorker, RefusesWhatIsTooMuch) {
  std::promise<void> started, release;
  BackgroundWorker worker(1);
  ASSERT_TRUE(worker
                  .Submit([&] {
                    started.set_value();
                    release.get_future().wait();
                  })
                  .ok());
  started.get_future().wait();
  EXPECT_TRUE(worker.Submit([] {}).ok());
  EXPECT_EQ(worker.Submit([] {}).code(), absl::StatusCode::kResourceExhausted);
  release.set_value();
}

}  // namespace
}  // namespace polyscene
