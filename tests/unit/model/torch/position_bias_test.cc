// A position that is known in training only: it explains clicks away, and ranks nothing.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

std::string Model(bool with_position) {
  return absl::StrCat(R"(
    name: "positions"
    features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
    )",
                      with_position ? R"(
    features { name: "position" side: CONTEXT type: INT64 training_only {}
      encode { hash { embedding { dimension: 4 } } } })"
                                    : "",
                      R"(
    scenes { name: "shop" tasks: ["click"] }
    tasks { name: "click" binary {} }
    dense_optimizer { adam { learning_rate: 0.005 } }
    network { shared_bottom { hidden: [8] } }
  )");
}

// Item 1 is the better one (clicked 0.5 of the times it is looked at, item 2 0.4), but it was mostly shown in position
// 2, which half of the people look at.
OwnedExamples Draw(std::mt19937_64& random, int rows, bool with_position) {
  const auto chance = [&random](double p) { return std::uniform_real_distribution<double>()(random) < p; };
  OwnedExamples examples;
  Table& table = examples.features;
  table.rows = rows;
  Column item, position;
  item.name = "item";
  position.name = "position";
  OwnedExamples::TaskLabels click{"click", {}, {}};
  for (int row = 0; row < rows; ++row) {
    item.ints.push_back(chance(0.5) ? 1 : 2);
    const bool second = chance(item.ints.back() == 1 ? 0.8 : 0.2);
    position.ints.push_back(second ? 2 : 1);
    const bool looked_at = !second || chance(0.5);
    click.values.push_back(looked_at && chance(item.ints.back() == 1 ? 0.5 : 0.4) ? 1.0f : 0.0f);
  }
  table.columns = {item};
  if (with_position) table.columns.push_back(position);
  examples.labels = {click};
  return examples;
}

// Scores of item 1 and item 2, for a request that says nothing, or something, of a position.
std::vector<float> Served(bool with_position, bool says_position) {
  const auto spec = ParseModel(Model(with_position));
  const auto learner = NewLearner(spec);
  std::mt19937_64 random(3);
  for (int step = 0; step < 600; ++step) Learn(*learner, Draw(random, 128, with_position));
  Table table;
  table.rows = 2;
  table.Add("item", ValueType::kInt64).ints = {1, 2};
  if (says_position) table.Add("position", ValueType::kInt64).ints = {2, 1};
  return Score(spec, **learner->MakeSnapshot(1, 0), table, "shop", "click");
}

TEST(PositionBias, WithoutThePositionTheItemThatWasShownFirstLooksBetter) {
  const std::vector<float> scores = Served(false, false);
  EXPECT_LT(scores[0], scores[1]);
}

TEST(PositionBias, ThePositionExplainsItAway) {
  const std::vector<float> scores = Served(true, false);
  std::printf("  served: better item %.3f, other %.3f\n", scores[0], scores[1]);
  EXPECT_GT(scores[0], scores[1]);
}

TEST(PositionBias, APositionThatARequestNamesChangesNothing) { EXPECT_EQ(Served(true, true), Served(true, false)); }

}  // namespace
}  // namespace polyscene
