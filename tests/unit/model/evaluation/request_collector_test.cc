#include "model/evaluation/request_collector.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/model/evaluation/layouts.h"

namespace polyscene {
namespace {

RequestCollector Collector(int64_t max_rows = RequestCollector::kMaxRows) {
  return RequestCollector(ShopLayout(), {kClick, -1}, 10, max_rows);
}

TEST(RequestCollectorTest, RowsOfARequestMayComeApart) {
  RequestCollector collector = Collector();
  collector.AddScored(7, kSearch, kClick, 0.9f, 0);
  collector.AddScored(8, kSearch, kClick, 0.1f, 0);
  collector.AddScored(7, kSearch, kClick, 0.2f, 1);
  collector.AddScored(8, kSearch, kClick, 0.8f, 1);
  collector.AddScored(8, kSearch, kClick, 0.7f, 0);
  collector.AddScored(9, kSearch, kClick, 0.5f, 1);  // Of one class.
  const std::vector<EvaluationFigure> figures = collector.Figures();
  const EvaluationFigure* gauc = Find(figures, "search", "click", "gauc");
  ASSERT_NE(gauc, nullptr);
  EXPECT_DOUBLE_EQ(gauc->value, (2 * 0.0 + 3 * 1.0) / 5);
  EXPECT_EQ(gauc->rows, 5u);
}

TEST(RequestCollectorTest, OneRequestInTwoScenesIsTwo) {
  RequestCollector collector = Collector();
  collector.AddScored(7, kSearch, kClick, 0.9f, 1);
  collector.AddScored(7, kFeed, kClick, 0.1f, 0);
  EXPECT_TRUE(collector.Figures().empty());
}

TEST(RequestCollectorTest, ListsAreOrderedByTheirRanking) {
  RequestCollector collector = Collector();
  collector.AddRanked(7, kSearch, 3, 0);
  collector.AddRanked(7, kSearch, 2, 1);
  collector.AddRanked(7, kFeed, 1, 1);  // Ranks by nothing.
  const std::vector<EvaluationFigure> figures = collector.Figures();
  const EvaluationFigure* ndcg = Find(figures, "search", "click", "ndcg@10");
  ASSERT_NE(ndcg, nullptr);
  EXPECT_NEAR(ndcg->value, 1 / std::log2(3), 1e-12);  // The only gain is on the second place.
  EXPECT_EQ(Find(figures, "search", "click", "mrr")->value, 0.5);
  EXPECT_EQ(Find(figures, "feed", "click", "mrr"), nullptr);
}

TEST(RequestCollectorTest, OnlyBinaryTasksHaveAnAuc) {
  RequestCollector collector = Collector();
  collector.AddScored(7, kSearch, kSpend, 0.9f, 1);
  collector.AddScored(7, kSearch, kSpend, 0.1f, 0);
  EXPECT_TRUE(collector.Figures().empty());
}

TEST(RequestCollectorTest, FiguresMayBeAskedForInBetween) {
  RequestCollector collector = Collector();
  collector.AddScored(7, kSearch, kClick, 0.9f, 1);
  EXPECT_TRUE(collector.Figures().empty());
  collector.AddScored(7, kSearch, kClick, 0.1f, 0);
  EXPECT_EQ(collector.Figures()[0].value, 1);
}

TEST(RequestCollectorTest, BeyondItsMemoryThereAreNoFigures) {
  RequestCollector collector = Collector(/*max_rows=*/2);
  collector.AddScored(7, kSearch, kClick, 0.9f, 1);
  collector.AddScored(7, kSearch, kClick, 0.1f, 0);
  EXPECT_FALSE(collector.Figures().empty());
  for (int i = 0; i < 3; ++i) collector.AddScored(7, kSearch, kClick, 0.1f, 0);
  EXPECT_TRUE(collector.Figures().empty());
}

}  // namespace
}  // namespace polyscene
