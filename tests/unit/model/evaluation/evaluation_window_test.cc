#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/evaluation/evaluation.h"
#include "tests/unit/model/evaluation/layouts.h"

namespace polyscene {
namespace {

constexpr int kRows = 10;

class EvaluationWindowTest : public ::testing::Test {
 protected:
  // Adds rows whose squared error is `error` each.
  void Spend(int scene, int rows, float error) {
    for (int i = 0; i < rows; ++i) window_.Add(scene, kSpend, {error}, {0.0f});
  }

  uint64_t RowsOf(absl::string_view scene) {
    const std::vector<EvaluationFigure> figures = window_.Figures();
    const EvaluationFigure* figure = Find(figures, scene, "spend", "mse");
    return figure == nullptr ? 0 : figure->rows;
  }

  double MseOf(absl::string_view scene) {
    const std::vector<EvaluationFigure> figures = window_.Figures();
    return Find(figures, scene, "spend", "mse")->value;
  }

  EvaluationWindow window_{ShopLayout(), kRows};
};

TEST_F(EvaluationWindowTest, HoldsEveryRowBeforeItIsFull) {
  Spend(kSearch, 7, 1);

  EXPECT_EQ(RowsOf("search"), 7);
}

TEST_F(EvaluationWindowTest, HoldsBetweenItsRowsAndTwiceAsMany) {
  Spend(kSearch, kRows, 1);
  for (int i = 0; i < 5 * kRows; ++i) {
    EXPECT_GE(RowsOf("search"), kRows);
    EXPECT_LT(RowsOf("search"), 2 * kRows);
    Spend(kSearch, 1, 1);
  }
}

TEST_F(EvaluationWindowTest, ForgetsWhatIsOlderThanTwoWindows) {
  Spend(kSearch, kRows, 100);
  Spend(kSearch, 2 * kRows, 1);

  EXPECT_DOUBLE_EQ(MseOf("search"), 1);
}

TEST_F(EvaluationWindowTest, ABusySceneDoesNotPushAQuietOneOut) {
  Spend(kFeed, 3, 2);
  Spend(kSearch, 10 * kRows, 1);

  EXPECT_EQ(RowsOf("feed"), 3);
  EXPECT_DOUBLE_EQ(MseOf("feed"), 4);
}

TEST_F(EvaluationWindowTest, GoesOnAfterRestoreAsIfNothingHappened) {
  Spend(kSearch, kRows + 4, 3);
  Spend(kFeed, 2, 1);
  EvaluationWindow restored(ShopLayout(), kRows);

  ASSERT_TRUE(restored.Restore(window_.Serialize()).ok());
  for (int i = 0; i < 9; ++i) {
    window_.Add(kSearch, kSpend, {2.0f}, {0.5f});
    restored.Add(kSearch, kSpend, {2.0f}, {0.5f});
  }

  EXPECT_EQ(restored.Serialize(), window_.Serialize());
}

TEST_F(EvaluationWindowTest, StaysAsItIsWhenTheBytesAreBad) {
  Spend(kSearch, kRows + 4, 3);
  const std::string before = window_.Serialize();

  const absl::Status status = window_.Restore(before.substr(0, before.size() - 1));

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(window_.Serialize(), before);
}

}  // namespace
}  // namespace polyscene
