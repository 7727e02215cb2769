#include "model/embedding/row_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <numeric>

namespace polyscene {
namespace {

using ::testing::ElementsAre;

std::vector<float> Ramp(int64_t count, float first) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

class RowStoreTest : public testing::Test {
 protected:
  // `rows` more, of the next ids; the first of them starts as {0, 1}, the next as {2, 3}.
  std::vector<uint32_t> Fill(int64_t rows) {
    std::vector<RowOwner> owners;
    for (int64_t i = 0; i < rows; ++i) owners.push_back({kTable, next_id_++});
    return store_.Add(Ramp(rows * 2, 0), owners);
  }
  void Set(std::vector<uint32_t> rows, float value) {
    store_.Write(rows, torch::full({static_cast<int64_t>(rows.size()), 2}, value));
  }
  template <typename Rows>
  static float First(const Rows& rows, uint32_t row) {
    return rows.Gather(std::vector<uint32_t>{row})[0][0].template item<float>();
  }

  static constexpr uint32_t kTable = 3;
  RowStore store_{2, torch::kCPU};
  uint64_t next_id_ = 100;
};

TEST_F(RowStoreTest, GathersRowsInTheOrderAskedForAndZerosForNoRow) {
  Fill(20);
  const torch::Tensor values = store_.Gather(std::vector<uint32_t>{19, kZeroRow, 3, 3});
  EXPECT_TRUE(torch::equal(values, torch::tensor({{38.f, 39.f}, {0.f, 0.f}, {6.f, 7.f}, {6.f, 7.f}})));
}

TEST_F(RowStoreTest, AFrozenViewKeepsItsValuesWhileTheStoreGoesOn) {
  Fill(100);
  const auto before = store_.Freeze();
  Set({0, 50, 99}, -1);
  const auto after = store_.Freeze();
  Set({0}, -2);

  EXPECT_EQ(First(*before, 0), 0);
  EXPECT_EQ(First(*before, 50), 100);
  EXPECT_EQ(First(*after, 0), -1);
  EXPECT_EQ(First(*after, 51), 102);
  EXPECT_EQ(First(store_, 0), -2);
}

TEST_F(RowStoreTest, RowsAppendedToASharedPageAreNotPartOfOlderViews) {
  Fill(3);
  const auto view = store_.Freeze();
  Fill(3);

  EXPECT_EQ(view->row_count(), 3u);
  EXPECT_EQ(store_.row_count(), 6u);
  EXPECT_EQ(First(store_, 3), 0);
  EXPECT_EQ(First(*view, 2), 4);
}

TEST_F(RowStoreTest, ViewsShareWhatWasNotTouched) {
  Fill(800);  // 100 pages.
  std::vector<std::shared_ptr<const FrozenRows>> views;
  for (int i = 0; i < 10; ++i) {
    views.push_back(store_.Freeze());
    Set({0}, static_cast<float>(i));
  }
  // One table and a page for each view's difference: not eleven tables.
  EXPECT_EQ(store_.pages_in_use(), 110u);
}

TEST_F(RowStoreTest, PagesAreUsedAgainOnceNoViewHoldsThem) {
  Fill(80);
  for (int i = 0; i < 1'000; ++i) {
    const auto view = store_.Freeze();
    Set({0, 8, 16}, static_cast<float>(i));
  }
  EXPECT_LE(store_.pages_in_use(), 16u);
}

TEST_F(RowStoreTest, SoAreTheNodesOfThePageTable) {
  Fill(40'000);  // Of which a leaf has 2,048.
  const uint64_t nodes = store_.page_table_nodes();
  for (int i = 0; i < 200; ++i) {
    const auto view = store_.Freeze();
    Set({0, 20'000, 39'999}, static_cast<float>(i));
  }
  EXPECT_LE(store_.page_table_nodes(), nodes + 4);  // Three leaves and a branch that the last view held.
  store_.Freeze();
  EXPECT_EQ(store_.page_table_nodes(), nodes);
}

TEST_F(RowStoreTest, ViewsOfALargeStoreDifferWhereItWasWrittenBetweenThem) {
  constexpr int64_t kRows = 1'100'000;  // More than two branches of the page table.
  Fill(kRows);
  std::vector<std::shared_ptr<const FrozenRows>> views;
  const std::vector<uint32_t> written = {0, 2'048, 524'287, 524'288, 1'099'999};
  for (const uint32_t row : written) {
    views.push_back(store_.Freeze());
    Set({row}, -1);
  }
  for (size_t view = 0; view < views.size(); ++view) {
    for (size_t i = 0; i < written.size(); ++i) {
      EXPECT_EQ(First(*views[view], written[i]), i < view ? -1.0f : 2.0f * written[i]) << view << ", " << i;
    }
  }
}

TEST_F(RowStoreTest, APageThatWasFullBeforeAViewIsCopiedAndOneThatWasAddedSinceIsNot) {
  Fill(8);
  const auto view = store_.Freeze();
  Fill(8);
  Set({8}, 1);
  EXPECT_EQ(store_.pages_in_use(), 2u);
  Set({0}, 1);
  EXPECT_EQ(store_.pages_in_use(), 3u);
}

TEST_F(RowStoreTest, GathersIntoMemoryWhatItGathersIntoATensor) {
  Fill(5'000);
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < 1'000; ++i) rows.push_back(i % 10 == 3 ? kZeroRow : i * 1'777 % 5'000);
  const auto view = store_.Freeze();
  torch::Tensor values = torch::full({1'000, 2}, 7.0f);
  view->GatherTo(rows, values.data_ptr<float>());
  EXPECT_TRUE(torch::equal(values, view->Gather(rows)));
  EXPECT_TRUE(torch::equal(values[0], torch::tensor({0.f, 1.f})));
  EXPECT_TRUE(torch::equal(values[3], torch::zeros({2})));
  EXPECT_TRUE(torch::equal(values[999], torch::tensor({2 * 223.f, 2 * 223.f + 1})));
}

TEST_F(RowStoreTest, GathersAndWritesAsManyRowsAsAreAskedFor) {
  Fill(300);
  const torch::Tensor all = torch::arange(600.0f).view({300, 2});
  RowStore written(2, torch::kCPU, 2);
  written.Add(std::vector<float>(600), std::vector<RowOwner>(300, {kTable, 1}));
  for (int64_t count = 0; count < 300; ++count) {
    std::vector<uint32_t> rows;
    for (int64_t i = 0; i < count; ++i) rows.push_back(static_cast<uint32_t>(i * 7 % 300));
    torch::Tensor expected = all.index_select(0, torch::arange(count) * 7 % 300);
    EXPECT_TRUE(torch::equal(store_.Gather(rows), expected)) << count;
    written.Write(rows, expected + count);
    written.WriteState(rows, expected - count);
    if (count == 0) continue;
    const auto last = static_cast<uint32_t>(count - 1);
    EXPECT_EQ(First(written, rows[last]), all[rows[last]][0].item<float>() + static_cast<float>(count)) << count;
    EXPECT_TRUE(torch::equal(written.GatherState(rows), expected - count)) << count;
    for (const int64_t gap : {int64_t{0}, count / 2, count - 1}) {
      rows[gap] = kZeroRow;
      expected[gap] = 0;
      EXPECT_TRUE(torch::equal(store_.Gather(rows), expected)) << count << ", gap " << gap;
    }
  }
}

TEST_F(RowStoreTest, AnOldViewSurvivesAnyNumberOfLaterOnes) {
  Fill(80);
  const auto old = store_.Freeze();
  for (int i = 0; i < 100; ++i) {
    const auto view = store_.Freeze();
    Set({0, 8, 16, 79}, static_cast<float>(-i));
  }
  for (uint32_t row = 0; row < 80; ++row) ASSERT_EQ(First(*old, row), 2.0f * row);
}

TEST_F(RowStoreTest, AWriteBetweenTwoFreezesCopiesAPageOnce) {
  Fill(8);
  const auto view = store_.Freeze();
  Set({0}, 1);
  Set({1}, 2);
  Set({0}, 3);
  EXPECT_EQ(store_.pages_in_use(), 2u);
}

TEST_F(RowStoreTest, AWriteOfManyRowsInNoOrderCopiesEachPageOnceAndMovesNoOther) {
  constexpr int64_t kRows = 5000;
  Fill(kRows);
  const auto before = store_.Freeze();
  const uint64_t pages = store_.pages_in_use();
  std::vector<uint32_t> rows;  // Every other one.
  for (uint64_t i = 0; i < kRows / 2; ++i) rows.push_back(static_cast<uint32_t>(i * 1777 % (kRows / 2) * 2));
  torch::Tensor values = torch::arange(kRows).to(torch::kFloat32).view({kRows / 2, 2}).neg();
  store_.Write(rows, values);

  EXPECT_EQ(store_.pages_in_use(), 2 * pages);
  EXPECT_TRUE(torch::equal(store_.Gather(rows), values));
  std::vector<uint32_t> all(kRows);
  std::iota(all.begin(), all.end(), 0);
  const torch::Tensor first = torch::arange(2 * kRows).to(torch::kFloat32).view({kRows, 2});
  EXPECT_TRUE(torch::equal(before->Gather(all), first));
  const auto others = torch::indexing::Slice(1, torch::indexing::None, 2);
  EXPECT_TRUE(torch::equal(store_.Gather(all).index({others}), first.index({others})));
  EXPECT_TRUE(store_.Owns(rows[7], kTable, 100 + rows[7]));
}

TEST_F(RowStoreTest, StatesAreOfTheirRowsInTheOrderAskedFor) {
  RowStore store(2, torch::kCPU, 3);
  std::vector<RowOwner> owners;
  for (uint64_t i = 0; i < 100; ++i) owners.push_back({kTable, i});
  store.Add(Ramp(200, 0), owners);
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < 50; ++i) rows.push_back(i * 37 % 100);
  const torch::Tensor states = torch::arange(150).to(torch::kFloat32).view({50, 3}).add(1);
  store.WriteState(rows, states);

  EXPECT_TRUE(torch::equal(store.GatherState(rows), states));
  EXPECT_TRUE(torch::equal(store.state()[37], torch::tensor({4.f, 5.f, 6.f})));
  EXPECT_EQ(store.state().narrow(0, 0, 100).sum().item<float>(), 150 * 151 / 2);  // No other row has any.
}

TEST_F(RowStoreTest, ARowCarriesWhoseItIs) {
  Fill(20);
  EXPECT_EQ(store_.owner(7).id, 107u);
  EXPECT_TRUE(store_.Owns(7, kTable, 107));
  EXPECT_FALSE(store_.Owns(7, kTable, 108));
}

TEST_F(RowStoreTest, FreeRowsAreGivenAwayLowestFirstBeforeNewOnes) {
  Fill(20);
  store_.LetGo({17, 2, 9});
  EXPECT_EQ(store_.owner(9).table, kNoTable);
  EXPECT_THAT(Fill(5), ElementsAre(2, 9, 17, 20, 21));
  EXPECT_TRUE(store_.Owns(9, kTable, 121));
  EXPECT_EQ(First(store_, 9), 2);
  EXPECT_EQ(First(store_, 10), 20);  // Its neighbour is as it was.
}

TEST_F(RowStoreTest, AViewKeepsRowsThatWereLetGoAndGivenToOthers) {
  store_.ExpectLetGo();
  Fill(20);
  const auto before = store_.Freeze();
  store_.LetGo({5, 6});
  const auto between = store_.Freeze();
  Fill(2);

  EXPECT_TRUE(before->Owns(5, kTable, 105));
  EXPECT_EQ(First(*before, 5), 10);
  EXPECT_EQ(between->owner(5).table, kNoTable);
  EXPECT_FALSE(between->Owns(5, kTable, 105));
  EXPECT_TRUE(store_.Owns(5, kTable, 120));
  EXPECT_EQ(First(store_, 5), 0);
  EXPECT_EQ(First(*before, 7), 14);
}

TEST_F(RowStoreTest, AnIdOfAnotherTableInTheSameRowIsNotItsOwner) {
  store_.ExpectLetGo();
  store_.Add(std::vector<float>{1, 2}, std::vector<RowOwner>{{kTable, 7}});
  store_.LetGo({0});
  store_.Add(std::vector<float>{3, 4}, std::vector<RowOwner>{{kTable + 1, 7}});
  EXPECT_FALSE(store_.Owns(0, kTable, 7));
  EXPECT_TRUE(store_.Owns(0, kTable + 1, 7));
}

TEST_F(RowStoreTest, TheStateOfARowThatIsGivenAwayAgainIsZeros) {
  Fill(20);
  store_.state()[4].fill_(9);
  store_.LetGo({4});
  Fill(1);
  EXPECT_EQ(store_.state()[4].item<float>(), 0);
}

TEST_F(RowStoreTest, WhatWasLetGoIsToldOnceEvenWhereItIsAnothersByThen) {
  Fill(20);
  store_.TakeTouched();
  store_.LetGo({4, 5});
  Fill(1);
  const RowSet let_go = store_.TakeLetGo();
  EXPECT_EQ(let_go.count(), 2u);
  EXPECT_TRUE(let_go.Contains(4));
  EXPECT_TRUE(store_.TakeTouched().Contains(4));
  EXPECT_EQ(store_.TakeLetGo().count(), 0u);
}

TEST_F(RowStoreTest, ARowLetGoThatIsNotThereYetIsMadeAsAFreeOneWithThoseBeforeIt) {
  Fill(3);
  store_.LetGo({12});
  EXPECT_EQ(store_.row_count(), 13u);
  EXPECT_EQ(store_.free_rows().count(), 10u);
  EXPECT_THAT(Fill(2), ElementsAre(3, 4));
}

TEST_F(RowStoreTest, ChurnTakesNoMoreMemoryThanItsRows) {
  Fill(800);
  for (uint32_t i = 0; i < 10'000; ++i) {
    store_.LetGo({i * 7 % 800});
    Fill(1);
  }
  EXPECT_EQ(store_.row_count(), 800u);
  EXPECT_EQ(store_.memory_bytes(), RowStore::BytesFor(800, 2, 1));
}

}  // namespace
}  // namespace polyscene
