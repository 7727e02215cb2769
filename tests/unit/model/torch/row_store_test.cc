#include "model/embedding/row_store.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <numeric>

namespace polyscene {
namespace {

std::vector<float> Ramp(int64_t count, float first) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

class RowStoreTest : public testing::Test {
 protected:
  // Row r starts as {2r, 2r + 1}.
  void Fill(int64_t rows) { store_.Append(Ramp(rows * 2, 0)); }
  void Set(std::vector<uint32_t> rows, float value) {
    store_.Write(rows, torch::full({static_cast<int64_t>(rows.size()), 2}, value));
  }
  template <typename Rows>
  static float First(const Rows& rows, uint32_t row) {
    return rows.Gather(std::vector<uint32_t>{row})[0][0].template item<float>();
  }

  RowStore store_{2, torch::kCPU};
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

}  // namespace
}  // namespace polyscene
