#include "client/simulator/best_reachable.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene::simulator {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::IsEmpty;

SimulatedRow Shown(Scene scene, float click_probability, int64_t click, int64_t time_seconds = 1000) {
  SimulatedRow row;
  row.scene = scene;
  row.time_seconds = time_seconds;
  row.click_probability = click_probability;
  row.click = click;
  row.purchase_probability = 0.01f;
  row.purchase = 0;
  return row;
}

auto Figure(const char* scene, const char* task, double value, uint64_t rows) {
  return AllOf(Field(&EvaluationFigure::scene, scene), Field(&EvaluationFigure::task, task),
               Field(&EvaluationFigure::metric, "best_auc"),
               Field(&EvaluationFigure::value, ::testing::DoubleNear(value, 1e-9)),
               Field(&EvaluationFigure::rows, rows));
}

TEST(BestReachableTest, IsTheAucOfTheTrueProbabilities) {
  BestReachable best(0);
  // Of the four pairs of a click and none, three are in the right order: 0.9 over 0.5 and 0.1, 0.3 over 0.1.
  best.Add(Shown(Scene::kSearch, 0.9f, 1));
  best.Add(Shown(Scene::kSearch, 0.5f, 0));
  best.Add(Shown(Scene::kSearch, 0.3f, 1));
  best.Add(Shown(Scene::kSearch, 0.1f, 0));
  EXPECT_THAT(best.Figures(), Contains(Figure("search", "click", 0.75, 4)));
  EXPECT_THAT(best.Figures(), Contains(Figure("*", "click", 0.75, 4)));
}

TEST(BestReachableTest, LeavesOutWhatTheServerDoesNotEvaluate) {
  BestReachable best(/*evaluate_from_seconds=*/1000);
  best.Add(Shown(Scene::kRecommendation, 0.9f, 0, 999));
  best.Add(Shown(Scene::kRecommendation, 0.2f, 0, 1000));
  best.Add(Shown(Scene::kRecommendation, 0.3f, 1, 1001));
  EXPECT_THAT(best.Figures(), Contains(Figure("recommendation", "click", 1, 2)));
}

TEST(BestReachableTest, IsUndefinedWithoutBothClasses) {
  BestReachable best(0);
  EXPECT_THAT(best.Figures(), IsEmpty());
  best.Add(Shown(Scene::kSearch, 0.9f, 1));
  for (const EvaluationFigure& figure : best.Figures()) EXPECT_TRUE(std::isnan(figure.value));
}

}  // namespace
}  // namespace polyscene::simulator
