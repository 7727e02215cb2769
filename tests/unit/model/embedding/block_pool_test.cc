#include "model/embedding/block_pool.h"

#include <gtest/gtest.h>

namespace polyscene {
namespace {

class BlockPoolTest : public testing::Test {
 protected:
  std::shared_ptr<ViewLease> View(uint64_t epoch) {
    auto lease = std::make_shared<ViewLease>();
    living_.Add(epoch, lease);
    return lease;
  }
  void Reclaim() {
    living_.ForgetEnded();
    pool_.Reclaim(living_);
  }

  BlockPool pool_;
  LivingViews living_;
};

TEST_F(BlockPoolTest, NumbersBlocksInOrder) {
  EXPECT_EQ(pool_.Take(1), 0u);
  EXPECT_EQ(pool_.Take(1), 1u);
  EXPECT_EQ(pool_.count(), 2u);
}

TEST_F(BlockPoolTest, ABlockIsUsedAgainOnceTheViewThatHoldsItHasEnded) {
  const uint32_t block = pool_.Take(1);
  const auto view = View(1);
  pool_.Retire(block, 2);

  Reclaim();
  EXPECT_EQ(pool_.Take(2), 1u);  // The view holds it yet.

  view->ended = true;
  Reclaim();
  EXPECT_EQ(pool_.Take(3), block);
  EXPECT_EQ(pool_.birth(block), 3u);
}

TEST_F(BlockPoolTest, ViewsFromBeforeABlockAndFromAfterItDoNotHoldIt) {
  const auto before = View(1);
  const uint32_t block = pool_.Take(2);
  pool_.Retire(block, 3);
  const auto after = View(3);

  Reclaim();
  EXPECT_EQ(pool_.in_use(), 0u);
}

TEST_F(BlockPoolTest, AnyOfTheViewsBetweenHoldsIt) {
  const uint32_t block = pool_.Take(1);
  const auto first = View(1);
  const auto second = View(2);
  pool_.Retire(block, 3);

  first->ended = true;
  Reclaim();
  EXPECT_EQ(pool_.in_use(), 1u);

  second->ended = true;
  Reclaim();
  EXPECT_EQ(pool_.in_use(), 0u);
}

}  // namespace
}  // namespace polyscene
