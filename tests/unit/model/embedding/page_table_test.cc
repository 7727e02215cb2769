#include "model/embedding/page_table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

namespace polyscene {
namespace {

// A table and the views of it that are alive.
class PageTableTest : public testing::Test {
 protected:
  struct View {
    PageMap map;
    std::shared_ptr<ViewLease> lease;
  };

  void Append(uint32_t pages) {
    for (uint32_t i = 0; i < pages; ++i) table_.Append(next_page_++, epoch_);
  }
  void Set(uint64_t index, uint32_t page) { table_.Set(index, page, epoch_); }
  uint32_t page(uint64_t index) const { return table_.map().page(index); }

  View Freeze() {
    View view{table_.map(), std::make_shared<ViewLease>()};
    living_.Add(epoch_++, view.lease);
    Reclaim();
    return view;
  }
  void End(View& view) {
    view.lease->ended = true;
    Reclaim();
  }
  void Reclaim() {
    living_.ForgetEnded();
    table_.Reclaim(living_);
  }

  PageTable table_;
  LivingViews living_;
  uint64_t epoch_ = 1;
  uint32_t next_page_ = 0;
};

constexpr uint32_t kSeveralBranches = 200'000;  // Pages: of 65,536 a branch, 256 a leaf.

TEST_F(PageTableTest, MapsRowsToPositionsInTheArena) {
  table_.Append(5, 1);
  table_.Append(2, 1);

  EXPECT_EQ(table_.map().Position(0), 5u * kRowsPerPage);
  EXPECT_EQ(table_.map().Position(kRowsPerPage + 3), 2u * kRowsPerPage + 3);
}

TEST_F(PageTableTest, FindsEveryPageOfSeveralBranches) {
  Append(kSeveralBranches);
  for (uint32_t index = 0; index < kSeveralBranches; ++index) ASSERT_EQ(page(index), index);
}

TEST_F(PageTableTest, AViewKeepsItsPagesWhenTheWriterReplacesThem) {
  Append(kSeveralBranches);
  const View view = Freeze();

  for (const uint64_t index : {uint64_t{0}, uint64_t{65'535}, uint64_t{65'536}, uint64_t{199'999}}) {
    Set(index, 900'000 + static_cast<uint32_t>(index));
    EXPECT_EQ(view.map.page(index), index);
    EXPECT_EQ(page(index), 900'000 + index);
  }
  EXPECT_EQ(page(1), 1u);
  EXPECT_EQ(page(65'537), 65'537u);
}

TEST_F(PageTableTest, HoweverMuchIsSetThereIsRoomForOneCopyOfTheTree) {
  Append(1000);
  const uint64_t nodes = table_.nodes_in_use();
  const View view = Freeze();
  table_.Reserve(1, uint64_t{1} << 40);  // Two nodes for each of these no machine has.
  for (uint64_t index = 0; index < 1000; ++index) Set(index, 5);
  EXPECT_EQ(table_.nodes_in_use(), 2 * nodes);
  EXPECT_EQ(view.map.page(7), 7);
}

TEST_F(PageTableTest, AViewDoesNotGrowWithTheWriter) {
  Append(1);
  const View view = Freeze();

  Append(kSeveralBranches);

  EXPECT_EQ(view.map.size(), 1u);
  EXPECT_EQ(view.map.page(0), 0u);
  EXPECT_EQ(table_.size(), kSeveralBranches + 1);
}

TEST_F(PageTableTest, EachViewOfManyHasWhatItWasFrozenWith) {
  Append(70'000);
  std::mt19937 random(1);
  std::vector<View> views;
  std::vector<std::map<uint64_t, uint32_t>> changes;  // Of each view, against the first state.
  std::map<uint64_t, uint32_t> changed;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 300; ++i) {
      const uint64_t index = random() % table_.size();
      Set(index, 1'000'000 + random() % 1'000'000);
      changed[index] = page(index);
    }
    Append(100);
    views.push_back(Freeze());
    changes.push_back(changed);
    if (round % 3 == 2) End(views[round - 1]);  // Its nodes are used again.
  }
  for (int round = 0; round < 20; ++round) {
    if (views[round].lease->ended) continue;
    const PageMap& map = views[round].map;
    ASSERT_EQ(map.size(), 70'000u + 100 * (round + 1));
    for (uint64_t index = 0; index < map.size(); ++index) {
      const auto it = changes[round].find(index);
      ASSERT_EQ(map.page(index), it == changes[round].end() ? index : it->second) << "view " << round;
    }
  }
}

TEST_F(PageTableTest, AFirstTouchCopiesTheNodesOnItsPathAndNoOther) {
  Append(kSeveralBranches);
  const uint64_t nodes = table_.nodes_in_use();
  const View view = Freeze();
  EXPECT_EQ(table_.nodes_in_use(), nodes);  // The view itself has none.

  Set(7, 900'000);
  EXPECT_EQ(table_.nodes_in_use(), nodes + 2);  // A leaf and its branch,
  Set(8, 900'001);
  EXPECT_EQ(table_.nodes_in_use(), nodes + 2);  // once;
  Set(300, 900'002);
  EXPECT_EQ(table_.nodes_in_use(), nodes + 3);  // another leaf of that branch.
}

TEST_F(PageTableTest, NodesAreUsedAgainOnceNoViewHoldsThem) {
  Append(kSeveralBranches);
  const uint64_t nodes = table_.nodes_in_use();
  for (uint32_t round = 0; round < 1'000; ++round) {
    View view = Freeze();
    for (uint64_t index = 0; index < kSeveralBranches; index += 1'000) Set(index, 900'000 + round);
    End(view);
  }
  EXPECT_EQ(table_.nodes_in_use(), nodes);
  EXPECT_LE(table_.memory_bytes(), 2 * PageTable::BytesFor(kSeveralBranches));
}

TEST_F(PageTableTest, TakesWhatItSaysAndLittleMoreThanItsEntries) {
  Append(kSeveralBranches);
  EXPECT_EQ(table_.memory_bytes(), PageTable::BytesFor(kSeveralBranches));
  EXPECT_LE(table_.memory_bytes(), kSeveralBranches * sizeof(uint32_t) * 1.02);
}

}  // namespace
}  // namespace polyscene
