// Averages of norms and cosines, and the worst pair.
#include "model/balance/gradient_averages.h"

#include <gmock/gmock.h>

#include <cmath>

namespace polyscene {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsNan;

GradientProducts Products(const std::vector<std::vector<double>>& rows) {
  GradientProducts products(static_cast<int>(rows.size()));
  for (int i = 0; i < products.count(); ++i) {
    for (int j = 0; j < products.count(); ++j) products.At(i, j) = rows[i][j];
  }
  return products;
}

TEST(GradientAveragesTest, NothingIsKnownBeforeTheFirst) {
  const GradientAverages averages(2);
  EXPECT_TRUE(averages.empty());
  EXPECT_THAT(averages.figures().norms, ElementsAre(IsNan(), IsNan()));
  EXPECT_FALSE(WorstPair(averages.figures()).has_value());
}

TEST(GradientAveragesTest, TheFirstTenCountAlikeThenTheOlderFade) {
  GradientAverages averages(1);
  for (int i = 1; i <= 10; ++i) averages.Add({0}, Products({{double(i * i)}}));
  EXPECT_NEAR(averages.figures().norms[0], 5.5, 1e-12);
  averages.Add({0}, Products({{100 * 100}}));
  EXPECT_NEAR(averages.figures().norms[0], 5.5 + 0.1 * 94.5, 1e-12);
}

TEST(GradientAveragesTest, OnlyWhatWasMeasuredMoves) {
  GradientAverages averages(3);
  averages.Add({0, 2}, Products({{4, -3}, {-3, 9}}));
  const GradientFigures figures = averages.figures();
  EXPECT_THAT(figures.norms, ElementsAre(2, IsNan(), 3));
  EXPECT_THAT(figures.cosines, ElementsAre(1, IsNan(), -0.5, IsNan(), IsNan(), IsNan(), -0.5, IsNan(), 1));
}

TEST(GradientAveragesTest, AZeroGradientHasNoDirectionAndWhatIsNotFiniteIsLeftOut) {
  GradientAverages averages(2);
  averages.Add({0, 1}, Products({{0, 0}, {0, 1}}));
  EXPECT_THAT(averages.figures().cosines, ElementsAre(IsNan(), IsNan(), IsNan(), 1));
  EXPECT_THAT(averages.figures().norms, ElementsAre(0, 1));
  averages.Add({0, 1}, Products({{INFINITY, NAN}, {NAN, 9}}));
  EXPECT_THAT(averages.figures().norms, ElementsAre(0, 2));
}

TEST(GradientAveragesTest, AreTakenOverByPlace) {
  GradientAverages averages(2);
  averages.Add({0, 1}, Products({{4, -3}, {-3, 9}}));
  GradientAverages other(3);
  ASSERT_TRUE(other.Restore(averages.Serialize(), {2, 0}).ok());
  EXPECT_THAT(other.figures().norms, ElementsAre(3, IsNan(), 2));
  EXPECT_THAT(other.figures().cosines, ElementsAre(1, IsNan(), -0.5, IsNan(), IsNan(), IsNan(), -0.5, IsNan(), 1));
  other.Add({0, 2}, Products({{16, 16}, {16, 16}}));  // Goes on where it was: the second of two.
  EXPECT_EQ(other.figures().norms[0], 3.5);
  EXPECT_EQ(other.figures().cosines[2], 0.25);

  GradientAverages fewer(1);
  ASSERT_TRUE(fewer.Restore(averages.Serialize(), {-1, 0}).ok());
  EXPECT_THAT(fewer.figures().norms, ElementsAre(3));
  EXPECT_EQ(fewer.Restore(averages.Serialize(), {0}).code(), absl::StatusCode::kDataLoss);
}

TEST(WorstPairTest, IsTheLowestCosine) {
  const GradientFigures figures{{1, 1, 1}, {1, 0.5, -0.25, 0.5, 1, NAN, -0.25, NAN, 1}};
  const auto worst = WorstPair(figures);
  ASSERT_TRUE(worst.has_value());
  EXPECT_EQ(worst->first, 0);
  EXPECT_EQ(worst->second, 2);
  EXPECT_EQ(worst->cosine, -0.25);
}

}  // namespace
}  // namespace polyscene
