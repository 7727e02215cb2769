#include "client/simulator/simulator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/simulator/best_reachable.h"
#include "client/simulator/csv_rows.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene::simulator {
namespace {

std::vector<SimulatedRow> AllRows(const SimulationOptions& options) {
  Simulator simulator(options);
  std::vector<SimulatedRow> rows, request;
  while (simulator.Next(request)) rows.insert(rows.end(), request.begin(), request.end());
  return rows;
}

std::string Csv(const SimulationOptions& options) {
  std::string csv;
  for (const SimulatedRow& row : AllRows(options)) AppendCsvRow({.truth = true}, row, csv);
  return csv;
}

// Made once: many tests look at the same rows.
const std::vector<SimulatedRow>& Rows() {
  static const auto& rows = *new std::vector<SimulatedRow>(AllRows({.rows = 200'000}));
  return rows;
}

double Auc(absl::string_view scene, absl::string_view task) {
  BestReachable best(kFirstSecond + 30 * kSecondsPerDay);
  for (const SimulatedRow& row : Rows()) best.Add(row);
  for (const EvaluationFigure& figure : best.Figures()) {
    if (figure.scene == scene && figure.task == task) return figure.value;
  }
  return std::nan("");
}

TEST(SimulatorTest, ASeedGivesTheSameBytesEveryTime) {
  EXPECT_EQ(Csv({.rows = 2000, .seed = 5}), Csv({.rows = 2000, .seed = 5}));
}

TEST(SimulatorTest, AnotherSeedGivesOtherBytes) {
  EXPECT_NE(Csv({.rows = 2000, .seed = 5}), Csv({.rows = 2000, .seed = 6}));
}

TEST(SimulatorTest, MakesExactlyTheRowsAskedForInTheOrderOfTime) {
  for (const int64_t count : {1, 2, 777}) {
    const std::vector<SimulatedRow> rows = AllRows({.rows = count});
    ASSERT_EQ(static_cast<int64_t>(rows.size()), count);
    for (size_t i = 1; i < rows.size(); ++i) EXPECT_LE(rows[i - 1].time_seconds, rows[i].time_seconds);
  }
}

TEST(SimulatorTest, SpreadsTheRowsOverAllDays) {
  EXPECT_GE(Rows().front().time_seconds, kFirstSecond);
  EXPECT_LT(Rows().back().time_seconds, kFirstSecond + 60 * kSecondsPerDay);
  std::vector<int> by_day(60);
  for (const SimulatedRow& row : Rows()) ++by_day.at((row.time_seconds - kFirstSecond) / kSecondsPerDay);
  for (const int rows : by_day) EXPECT_NEAR(rows, 200'000 / 60, 40);
}

TEST(SimulatorTest, EveryDayBeginsAtMidnightAndTheWeekOnMonday) {
  for (const SimulatedRow& row : Rows()) {
    const int64_t since = row.time_seconds - kFirstSecond;
    ASSERT_EQ(row.hour, since % kSecondsPerDay / 3600);
    ASSERT_EQ(row.day_of_week, since / kSecondsPerDay % 7);
  }
  EXPECT_EQ(kFirstSecond % kSecondsPerDay, 0);
  EXPECT_EQ((kFirstSecond / kSecondsPerDay + 3) % 7, 0);  // 1970 began on a Thursday.
}

TEST(SimulatorTest, LabelsAreAsRareAsInRealShops) {
  double shown = 0, clicks = 0, purchases = 0, visits = 0, churned = 0;
  for (const SimulatedRow& row : Rows()) {
    if (row.scene == Scene::kBehaviour) {
      ++visits;
      churned += row.churn;
      EXPECT_EQ(row.click, kNone);
      EXPECT_EQ(row.purchase, kNone);
    } else {
      ++shown;
      clicks += row.click;
      purchases += row.purchase;
      EXPECT_EQ(row.churn, kNone);
      EXPECT_LE(row.purchase, row.click);
      EXPECT_EQ(row.spend_cents != kNone, row.purchase == 1);
    }
  }
  EXPECT_NEAR(clicks / shown, 0.12, 0.02);
  EXPECT_NEAR(purchases / shown, 0.03, 0.008);
  EXPECT_NEAR(churned / visits, 0.15, 0.02);
  EXPECT_NEAR(visits / (shown + visits), 0.11, 0.03);
}

TEST(SimulatorTest, BaseRatesHoldForOtherSeeds) {
  for (const uint64_t seed : {2, 3, 4}) {
    double shown = 0, clicks = 0;
    for (const SimulatedRow& row : AllRows({.rows = 40'000, .seed = seed})) {
      if (row.click == kNone) continue;
      ++shown;
      clicks += row.click;
    }
    EXPECT_NEAR(clicks / shown, 0.12, 0.03) << "seed " << seed;
  }
}

TEST(SimulatorTest, TheBestReachableAucLeavesRoomAboveAndBelow) {
  for (const char* scene : {"recommendation", "search", "*"}) {
    EXPECT_GT(Auc(scene, "click"), 0.75) << scene;
    EXPECT_LT(Auc(scene, "click"), 0.80) << scene;
    EXPECT_GT(Auc(scene, "purchase"), 0.79) << scene;
    EXPECT_LT(Auc(scene, "purchase"), 0.87) << scene;
  }
  EXPECT_GT(Auc("behaviour", "churn"), 0.75);
  EXPECT_LT(Auc("behaviour", "churn"), 0.82);
}

TEST(SimulatorTest, PopularityAloneIsAPoorGuess) {
  std::vector<float> popularity, clicks;
  for (const SimulatedRow& row : Rows()) {
    if (row.click == kNone) continue;
    popularity.push_back(static_cast<float>(row.item_clicks_7d));
    clicks.push_back(static_cast<float>(row.click));
  }
  const double auc = ExactAuc(popularity, clicks);
  EXPECT_GT(auc, 0.56);
  EXPECT_LT(auc, 0.66);
}

// Of the rows whose true probability is about p, about p must have the label: in ten groups of equally many rows,
// sorted by p.
void ExpectCalibrated(std::vector<std::pair<float, int64_t>> truths_and_labels) {
  std::sort(truths_and_labels.begin(), truths_and_labels.end());
  const size_t size = truths_and_labels.size() / 10;
  for (size_t group = 0; group < 10; ++group) {
    double expected = 0, variance = 0, seen = 0;
    for (size_t i = group * size; i < (group + 1) * size; ++i) {
      const double p = truths_and_labels[i].first;
      expected += p;
      variance += p * (1 - p);
      seen += static_cast<double>(truths_and_labels[i].second);
    }
    EXPECT_NEAR(seen, expected, 4 * std::sqrt(variance)) << "group " << group;
  }
}

TEST(SimulatorTest, LabelsFollowTheirTrueProbabilities) {
  std::vector<std::pair<float, int64_t>> click, purchase, churn;
  for (const SimulatedRow& row : Rows()) {
    if (row.scene == Scene::kBehaviour) {
      churn.emplace_back(row.churn_probability, row.churn);
    } else {
      click.emplace_back(row.click_probability, row.click);
      purchase.emplace_back(row.purchase_probability, row.purchase);
    }
  }
  ExpectCalibrated(click);
  ExpectCalibrated(purchase);
  ExpectCalibrated(churn);
}

double Correlation(const std::vector<double>& a, const std::vector<double>& b) {
  double ab = 0, aa = 0, bb = 0;  // Tastes are about 0 on average.
  for (size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

TEST(SimulatorTest, TastesDriftSlowlyAndFar) {
  const Shoppers shoppers(/*seed=*/1, /*days=*/60);
  std::vector<double> first, next_day, last;
  for (int u = 0; u < shoppers.size(); ++u) {
    for (int c = 0; c < kCategories; ++c) {
      first.push_back(shoppers.TasteOf(u, 0).category[c]);
      next_day.push_back(shoppers.TasteOf(u, 1).category[c]);
      last.push_back(shoppers.TasteOf(u, 60).category[c]);
    }
  }
  EXPECT_GT(Correlation(first, next_day), 0.99);
  EXPECT_LT(Correlation(first, last), 0.65);
  EXPECT_GT(Correlation(first, last), 0.3);
}

TEST(SimulatorTest, ItemsComeOnSaleAndAreNotShownBefore) {
  const Catalog catalog(/*seed=*/1, /*days=*/60);
  int late = 0;
  for (int i = 0; i < catalog.size(); ++i) late += catalog.item(i).first_day > 0;
  EXPECT_GT(late, catalog.size() / 10);
  for (const SimulatedRow& row : Rows()) {
    ASSERT_TRUE(row.scene == Scene::kBehaviour || row.item_age_days >= 0) << row.item_age_days;
  }
}

TEST(SimulatorTest, DemandIsWhatIsCountedADayLater) {
  // The sales that one row has as labels are those that later rows of the item have as last week's count.
  const Catalog catalog(/*seed=*/1, /*days=*/60);
  int compared = 0;
  for (const SimulatedRow& row : Rows()) {
    if (row.scene == Scene::kBehaviour) continue;
    const int day = static_cast<int>((row.time_seconds - kFirstSecond) / kSecondsPerDay);
    if (day + 8 > 60) break;
    int64_t week = 0;
    for (const int64_t demand : row.demand) week += demand;
    ASSERT_EQ(week, catalog.Counts(IndexOfItem(row.item_id), day + 8).sales_7d);
    ++compared;
  }
  EXPECT_GT(compared, 100'000);
}

TEST(SimulatorTest, SearchersClickOnWhatTheyAskedFor) {
  double right[2] = {}, wrong[2] = {};  // Rows, clicks.
  for (const SimulatedRow& row : Rows()) {
    if (row.scene != Scene::kSearch) continue;
    const int asked = row.query / kAdjectives / kTypesPerCategory;
    double* const counts = row.category == asked ? right : wrong;
    ++counts[0];
    counts[1] += row.click;
  }
  EXPECT_GT(right[1] / right[0], 3 * wrong[1] / wrong[0]);
}

TEST(SimulatorTest, ARankingRequestHasOneContextAndItsCandidates) {
  Simulator simulator({.rows = 1000});
  std::vector<SimulatedRow> rows;
  std::set<Scene> scenes;
  for (int i = 0; i < 4; ++i) {
    simulator.RankingRequest(20, rows);
    ASSERT_EQ(rows.size(), 20u);
    scenes.insert(rows[0].scene);
    for (const SimulatedRow& row : rows) {
      EXPECT_EQ(row.request, rows[0].request);
      EXPECT_EQ(row.user_id, rows[0].user_id);
      EXPECT_EQ(row.recent_items, rows[0].recent_items);
      EXPECT_EQ(row.query, rows[0].query);
    }
  }
  EXPECT_THAT(scenes, ::testing::ElementsAre(Scene::kRecommendation, Scene::kSearch));
}

TEST(SimulatorTest, AFutureRequestComesAfterTheLastDayAndHasWhatFollows) {
  Simulator simulator({.rows = 1000, .days = 30});
  std::vector<SimulatedRow> rows;
  for (const Scene scene : {Scene::kRecommendation, Scene::kSearch}) {
    simulator.FutureRequest(scene, 50, rows);
    ASSERT_EQ(rows.size(), 50u);
    for (const SimulatedRow& row : rows) {
      EXPECT_EQ(row.scene, scene);
      EXPECT_EQ(row.request, rows[0].request);
      EXPECT_GE(row.time_seconds, kFirstSecond + 30 * kSecondsPerDay);
      EXPECT_TRUE(row.click == 0 || row.click == 1);
    }
  }
  simulator.FutureRequest(Scene::kBehaviour, 50, rows);
  std::set<int64_t> requests, users;
  for (const SimulatedRow& row : rows) {
    requests.insert(row.request);
    users.insert(row.user_id);
    EXPECT_TRUE(row.churn == 0 || row.churn == 1);
  }
  EXPECT_EQ(requests.size(), 50u);
  EXPECT_GT(users.size(), 20u);
}

}  // namespace
}  // namespace polyscene::simulator
