// Expected values are computed by hand. The discounts: 1, 0.6309298 (1 / log2 3), 0.5, 0.4306766 (1 / log2 5).
#include "model/evaluation/ndcg.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"
#include "model/evaluation/ranking_evaluation.h"
#include "tests/unit/model/evaluation/layouts.h"

namespace polyscene {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(NdcgTest, TheBestOrderHasOne) { EXPECT_DOUBLE_EQ(Ndcg({0.9f, 0.5f, 0.1f}, {3, 2, 0}, 10), 1); }

TEST(NdcgTest, IsTheDiscountedGainOverTheLargestThereIs) {
  // By score: gains 0, 3, 2. (3 x 0.6309298 + 2 x 0.5) / (3 + 2 x 0.6309298).
  EXPECT_NEAR(Ndcg({0.5f, 0.1f, 0.9f}, {3, 2, 0}, 10), (3 * 0.6309298 + 1) / (3 + 2 * 0.6309298), 1e-7);
}

TEST(NdcgTest, OnlyTheFirstKCount) {
  // By score: 0, 1, 1, 1; the best two are 1, 1.
  EXPECT_NEAR(Ndcg({4, 3, 2, 1}, {0, 1, 1, 1}, 2), 0.6309298 / 1.6309298, 1e-7);
  EXPECT_EQ(Ndcg({4, 3}, {0, 1}, 1), 0);
}

TEST(NdcgTest, TiesCountWithTheMeanOverTheirOrders) {
  // One of two tied rows gains 1: first in half of the orders.
  EXPECT_NEAR(Ndcg({2, 2, 1}, {1, 0, 0}, 10), (1 + 0.6309298) / 2, 1e-7);
  // Across the cut: of three tied rows two are within it.
  EXPECT_NEAR(Ndcg({2, 2, 2}, {1, 0, 0}, 2), (1 + 0.6309298) / 3, 1e-7);
}

TEST(NdcgTest, EqualScoresAreWhatRandomOrdersReachOnAverage) {
  const std::vector<float> gains = {0, 2, 0, 1, 0};
  std::vector<int> ranks = {0, 1, 2, 3, 4};
  double sum = 0;
  int orders = 0;
  do {
    const std::vector<float> scores(ranks.begin(), ranks.end());
    sum += Ndcg(scores, gains, 3);
    ++orders;
  } while (std::next_permutation(ranks.begin(), ranks.end()));
  EXPECT_EQ(orders, 120);
  EXPECT_NEAR(Ndcg({7, 7, 7, 7, 7}, gains, 3), sum / orders, 1e-12);
}

TEST(NdcgTest, IsUndefinedWithoutAGain) {
  EXPECT_TRUE(std::isnan(Ndcg({2, 1}, {0, 0}, 10)));
  EXPECT_TRUE(std::isnan(Ndcg({2, 1}, {-1, kNan}, 10)));
  EXPECT_TRUE(std::isnan(Ndcg({}, {}, 10)));
}

TEST(NdcgTest, AScoreThatIsNoNumberComesLast) { EXPECT_DOUBLE_EQ(Ndcg({kNan, -5}, {0, 1}, 10), 1); }

TEST(ReciprocalRankTest, IsOneOverTheRankOfTheFirstGain) {
  EXPECT_DOUBLE_EQ(ReciprocalRank({9, 8, 7, 6}, {0, 0, 1, 1}), 1.0 / 3);
  EXPECT_TRUE(std::isnan(ReciprocalRank({9, 8}, {0, 0})));
}

TEST(ReciprocalRankTest, TiesCountWithTheMeanOverTheirOrders) {
  EXPECT_DOUBLE_EQ(ReciprocalRank({5, 5}, {1, 0}), 0.75);  // First or second.
  // Behind one row, three are tied, two of them relevant: first of the three in 2 of 3 orders, else second.
  EXPECT_NEAR(ReciprocalRank({9, 5, 5, 5}, {0, 1, 1, 0}), 2.0 / 3 / 2 + 1.0 / 3 / 3, 1e-12);
  EXPECT_DOUBLE_EQ(ReciprocalRank({5, 5}, {1, 1}), 1);
}

TEST(RankingEvaluationTest, IsTheMeanOverRequestsThatHaveAGain) {
  RankingEvaluation evaluation({"search", "feed"}, 10);
  evaluation.Add(kSearch, {2, 1}, {1, 0});      // 1
  evaluation.Add(kSearch, {1, 2}, {1, 0});      // 0.6309298
  evaluation.Add(kSearch, {1, 2}, {0, 0});      // Counts for nothing.
  evaluation.Add(kFeed, {1, 2, 3}, {1, 0, 0});  // 0.5
  const std::vector<EvaluationFigure> figures = evaluation.Figures("click", ":model");

  ASSERT_EQ(figures.size(), 6);
  EXPECT_NEAR(Find(figures, "search", "click", "ndcg@10:model")->value, (1 + 0.6309298) / 2, 1e-7);
  EXPECT_EQ(Find(figures, "search", "click", "ndcg@10:model")->rows, 4);
  EXPECT_NEAR(Find(figures, "search", "click", "mrr:model")->value, 0.75, 1e-12);
  EXPECT_NEAR(Find(figures, "*", "click", "ndcg@10:model")->value, (1 + 0.6309298 + 0.5) / 3, 1e-7);
  EXPECT_EQ(evaluation.requests(kSearch), 2);
}

TEST(RankingEvaluationTest, HasNoFigureOfNothingAndNoTotalOfOneScene) {
  RankingEvaluation evaluation({"search", "feed"}, 5);
  EXPECT_TRUE(evaluation.Figures("click").empty());
  evaluation.Add(kSearch, {2, 1}, {1, 0});
  EXPECT_EQ(evaluation.Figures("click").size(), 2);
}

TEST(GroupedAucTest, IsTheMeanOfEachRequestsAucByItsRows) {
  GroupedAuc evaluation(ShopLayout());
  // Within each request: 1 of 4 rows, 0.5 of 2; over all rows together the second request's scores say nothing.
  evaluation.Add(kSearch, kClick, {4, 3, 2, 1}, {1, 1, 0, 0});
  evaluation.Add(kSearch, kClick, {9, 9}, {1, 0});
  evaluation.Add(kSearch, kClick, {9, 8}, {1, 1});  // Of one class: counts for nothing.
  const std::vector<EvaluationFigure> figures = evaluation.Figures();
  EXPECT_NEAR(Find(figures, "search", "click", "gauc")->value, (4 * 1 + 2 * 0.5) / 6, 1e-12);
  EXPECT_EQ(Find(figures, "search", "click", "gauc")->rows, 6);
  EXPECT_NEAR(Find(figures, "*", "click", "gauc")->value, (4 * 1 + 2 * 0.5) / 6, 1e-12);
  EXPECT_EQ(Find(figures, "feed", "click", "gauc"), nullptr);
}

}  // namespace
}  // namespace polyscene
