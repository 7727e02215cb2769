#include "server/rpc/pending_budget.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace polyscene {
namespace {

TEST(PendingBudget, HasRoomBelowItsLimit) {
  PendingBudget budget(100);
  EXPECT_TRUE(budget.HasRoom([] { FAIL() << "nobody waited"; }));
  budget.Add(99);
  EXPECT_TRUE(budget.HasRoom([] { FAIL() << "nobody waited"; }));
}

TEST(PendingBudget, WakesEachThatWaitsOnceWhenThereIsRoomAgain) {
  PendingBudget budget(100);
  budget.Add(80);
  budget.Add(80);
  int woken = 0;
  EXPECT_FALSE(budget.HasRoom([&] { ++woken; }));
  EXPECT_FALSE(budget.HasRoom([&] { ++woken; }));
  budget.Remove(10);
  EXPECT_EQ(woken, 0);  // 150 of 100.
  budget.Remove(70);
  EXPECT_EQ(woken, 2);
  budget.Remove(80);
  EXPECT_EQ(woken, 2);
}

TEST(PendingBudget, OneThatIsWokenMayAskAgain) {
  PendingBudget budget(1);
  budget.Add(1);
  bool room = false;
  EXPECT_FALSE(budget.HasRoom([&] { room = budget.HasRoom([] {}); }));
  budget.Remove(1);
  EXPECT_TRUE(room);
}

TEST(PendingBudget, CountsAcrossThreads) {
  PendingBudget budget(1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&budget] {
      for (int i = 0; i < 1000; ++i) {
        budget.Add(3);
        budget.Remove(3);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(budget.HasRoom([] {}));
}

}  // namespace
}  // namespace polyscene
