#include "model/embedding/row_index.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <thread>
#include <vector>

#include "model/embedding/initial_row.h"

namespace polyscene {
namespace {

// Rows that carry their ids, as a store's do.
class RowIndexTest : public testing::Test {
 protected:
  void Insert(uint64_t id, uint32_t row) {
    if (row >= ids_.size()) ids_.resize(row + 1, kNobody);
    ids_[row] = id;
    index_.Insert(id, row);
  }
  void LetGo(uint32_t row) {
    ids_[row] = kNobody;
    index_.Forget();
  }
  void Rebuild() {
    index_.Rebuild(
        [this](uint32_t row, uint32_t tag) { return ids_[row] != kNobody && RowIndexSlots::Tag(ids_[row]) == tag; });
  }
  uint32_t Find(uint64_t id) const { return FindIn(index_.array(), ids_, id); }
  static uint32_t FindIn(const RowIndexSlots& slots, const std::vector<uint64_t>& ids, uint64_t id) {
    return slots.Find(id, [&](uint32_t row) { return row < ids.size() && ids[row] == id; });
  }

  static constexpr uint64_t kNobody = 0xdeadbeefdeadbeef;
  RowIndex index_;
  std::vector<uint64_t> ids_;
};

TEST_F(RowIndexTest, FindsWhatWasInsertedAndNothingElse) {
  Insert(7, 0);
  Insert(uint64_t{1} << 63, 1);
  Insert(0, 2);

  EXPECT_EQ(Find(7), 0u);
  EXPECT_EQ(Find(uint64_t{1} << 63), 1u);
  EXPECT_EQ(Find(0), 2u);
  EXPECT_EQ(Find(8), kNoRow);
}

TEST_F(RowIndexTest, KeepsEveryEntryThroughGrowth) {
  for (uint32_t row = 0; row < 50'000; ++row) Insert(uint64_t{row} * 3, row);

  EXPECT_EQ(index_.size(), 50'000u);
  for (uint32_t row = 0; row < 50'000; ++row) ASSERT_EQ(Find(uint64_t{row} * 3), row);
  EXPECT_EQ(Find(1), kNoRow);
}

TEST_F(RowIndexTest, ASlotTakesEightBytesAndAtLeastFiveInSixteenAreUsedOnceItHasGrown) {
  for (uint32_t row = 0; row < 50'000; ++row) {
    Insert(row, row);
    if (row > 1'000) {
      ASSERT_LE(index_.memory_bytes(), row * 8 * 16 / 5 + 16);
    }
  }
}

TEST_F(RowIndexTest, IdsWhoseHashesAgreeInWhatASlotHasAreToldApartByTheirRows) {
  // Among 200,000 ids about five pairs agree in 32 bits.
  std::map<uint32_t, uint64_t> by_tag;
  uint64_t one = 0, other = 0;
  for (uint64_t id = 0; one == other; ++id) {
    const auto [it, is_new] = by_tag.emplace(RowIndexSlots::Tag(id), id);
    if (!is_new) one = it->second, other = id;
  }
  Insert(one, 0);
  EXPECT_EQ(Find(other), kNoRow);
  Insert(other, 1);
  EXPECT_EQ(Find(one), 0u);
  EXPECT_EQ(Find(other), 1u);
}

TEST_F(RowIndexTest, SlotsTakenBeforeGrowthStillAnswer) {
  Insert(1, 0);
  const auto old_slots = index_.slots();
  for (uint32_t row = 1; row < 10'000; ++row) Insert(row + 1, row);

  EXPECT_EQ(FindIn(*old_slots, ids_, 1), 0u);
}

TEST_F(RowIndexTest, WhoKnowsTheRowsAsTheyWereFindsThemAfterTheyWereLetGoAndGivenToOthers) {
  for (uint32_t row = 0; row < 300; ++row) Insert(row, row);
  const std::vector<uint64_t> before = ids_;
  const auto slots = index_.slots();

  for (uint32_t row = 0; row < 300; ++row) LetGo(row);
  for (uint32_t row = 0; row < 300; ++row) Insert(1'000 + row, 299 - row);

  EXPECT_EQ(index_.slots(), slots);  // The same array serves both.
  for (uint32_t row = 0; row < 300; ++row) {
    ASSERT_EQ(FindIn(*slots, before, row), row);
    ASSERT_EQ(FindIn(*slots, before, 1'000 + row), kNoRow);
    ASSERT_EQ(Find(row), kNoRow);
    ASSERT_EQ(Find(1'000 + row), 299 - row);
  }
}

TEST_F(RowIndexTest, RebuildingLeavesBehindWhatWasLetGoSoThatChurnDoesNotGrowIt) {
  for (uint32_t row = 0; row < 500; ++row) Insert(row, row);
  for (uint64_t id = 500; id < 100'000; ++id) {
    const auto row = static_cast<uint32_t>(id % 500);
    LetGo(row);
    if (!index_.HasRoom()) Rebuild();
    Insert(id, row);
  }

  EXPECT_EQ(index_.size(), 500u);
  EXPECT_EQ(index_.memory_bytes(), RowIndex::BytesFor(500));
  for (uint64_t id = 99'500; id < 100'000; ++id) ASSERT_EQ(Find(id), id % 500);
}

TEST_F(RowIndexTest, AnIdThatComesBackToItsRowTakesNoSecondSlot) {
  for (int i = 0; i < 100'000; ++i) {
    Insert(7, 0);
    LetGo(0);
  }
  EXPECT_EQ(index_.memory_bytes(), RowIndex::BytesFor(0));
}

// Under ThreadSanitizer this also proves that readers need no lock.
TEST_F(RowIndexTest, AReaderBesideTheWriterSeesWholeEntries) {
  for (uint32_t row = 0; row < 100; ++row) Insert(row, row);
  const auto slots = index_.slots();  // Room for more: the writer goes on in the same array.

  std::thread reader([&slots] {
    for (int round = 0; round < 200; ++round) {
      for (uint64_t id = 0; id < 500; ++id) {
        const uint32_t row = slots->Find(id, [id](uint32_t found) { return found == id; });
        if (id < 100) {
          EXPECT_EQ(row, id);
        }
      }
    }
  });
  for (uint32_t row = 100; row < 500; ++row) index_.Insert(row, row);
  reader.join();
}

TEST(InitialRowTest, DependsOnSeedTableAndIdAlone) {
  std::array<float, 4> a, b;
  InitialRow(1, 2, 3, 0.05f, absl::MakeSpan(a));
  InitialRow(1, 2, 3, 0.05f, absl::MakeSpan(b));
  EXPECT_EQ(a, b);

  InitialRow(2, 2, 3, 0.05f, absl::MakeSpan(b));
  EXPECT_NE(a, b);
  InitialRow(1, 3, 3, 0.05f, absl::MakeSpan(b));
  EXPECT_NE(a, b);
  InitialRow(1, 2, 4, 0.05f, absl::MakeSpan(b));
  EXPECT_NE(a, b);
}

TEST(InitialRowTest, IsUniformWithinItsRange) {
  double sum = 0;
  double squares = 0;
  std::array<float, 8> values;
  for (uint64_t id = 0; id < 10'000; ++id) {
    InitialRow(1, 0, id, 0.5f, absl::MakeSpan(values));
    for (const float v : values) {
      ASSERT_GE(v, -0.5f);
      ASSERT_LE(v, 0.5f);
      sum += v;
      squares += double{v} * v;
    }
  }
  EXPECT_NEAR(sum / 80'000, 0, 0.005);
  EXPECT_NEAR(squares / 80'000, 0.25 / 3, 0.002);  // A uniform's variance is range^2 / 3.
}

}  // namespace
}  // namespace polyscene
