// Rows whose labels came after they were served: what they count in, and what corrections teach.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/model/torch/learner_fixture.h"

namespace polyscene {
namespace {

constexpr char kModel[] = R"(
  name: "joined"
  features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
  scenes { name: "shop" tasks: ["click", "spend"] }
  tasks { name: "click" binary {} }
  tasks { name: "spend" regression { transform { log1p: true } } }
  network { shared_bottom { hidden: [8] } tower: [4] }
  dense_optimizer { sgd { learning_rate: 0.5 } }
)";

OwnedExamples Rows(const std::vector<int64_t>& items, const std::vector<float>& clicks) {
  OwnedExamples examples;
  examples.features.rows = static_cast<int64_t>(items.size());
  examples.features.Add("item", ValueType::kInt64).ints = items;
  examples.labels.push_back({"click", clicks, {}});
  return examples;
}

class JoinedRowsTest : public testing::Test {
 protected:
  // Learns all rows of `view` as producer p's.
  void Step(const ExamplesView& view) {
    const ExampleSlice slice{&view, 0, view.rows(), "p"};
    ASSERT_TRUE(learner_->Step(absl::MakeConstSpan(&slice, 1)).ok());
  }

  std::shared_ptr<const ModelSpec> spec_ = ParseModel(kModel);
  std::unique_ptr<Learner> learner_ = NewLearner(spec_);
};

TEST_F(JoinedRowsTest, ServedFiguresAreOfWhatCallersGot) {
  learner_->OpenEvaluation("p", 0);
  OwnedExamples rows = Rows({1, 2, 3, 4}, {0, 1, 0, 1});
  rows.labels.push_back({"spend", {0, std::exp(3.0f) - 1, 0, 0}, {0, 2, 3}});
  ExamplesView view = rows.View();
  const std::vector<float> clicks = {0.2f, 0.8f, 0.9f, 0};
  const std::vector<float> spend = {0, std::exp(2.0f) - 1, 0, 0};
  const std::vector<uint32_t> not_asked_for = {3};
  view.served = {{"click", clicks, not_asked_for}, {"spend", spend, {}}};

  Step(view);

  for (const auto& figures : {learner_->RecentServed(), learner_->OpenedServed().at(0).second}) {
    EXPECT_EQ(Figure(figures, "shop", "click", "auc"), 0.5);  // 0.8 against 0.2 and 0.9.
    EXPECT_NEAR(Figure(figures, "shop", "click", "log_loss"), -(std::log(0.8) + std::log(0.8) + std::log(0.1)) / 3,
                1e-6);
    EXPECT_NEAR(Figure(figures, "*", "spend", "mse"), 1, 1e-5);  // Of log1p, as learning evaluates it.
  }
  EXPECT_EQ(learner_->OpenedServed()[0].first, "p");
}

TEST_F(JoinedRowsTest, OnlyRowsFromTheOpeningsTimeOnCountInIt) {
  learner_->OpenEvaluation("p", 100);
  OwnedExamples rows = Rows({1, 2, 3}, {0, 1, 1});
  rows.times = {99, 100, 101};
  ExamplesView view = rows.View();
  const std::vector<float> clicks = {0.5f, 0.5f, 0.5f};
  view.served = {{"click", clicks, {}}};

  Step(view);

  EXPECT_EQ(learner_->OpenedServed()[0].second[0].rows, 2u);
  EXPECT_EQ(learner_->RecentServed()[0].rows, 3u);
}

TEST_F(JoinedRowsTest, RowsThatWereNotRememberedAreInNoServedFigure) {
  learner_->OpenEvaluation("p", 0);
  Step(Rows({1, 2}, {0, 1}).View());
  EXPECT_TRUE(learner_->OpenedServed().empty());
  EXPECT_TRUE(learner_->RecentServed().empty());
}

TEST_F(JoinedRowsTest, ACorrectionIsLearnedButNotEvaluated) {
  learner_->OpenEvaluation("p", 0);
  OwnedExamples rows = Rows({1, 2, 2}, {1, 0, 1});
  rows.weights = {1, -1, 1};
  ExamplesView view = rows.View();
  const std::vector<float> clicks = {0.5f, 0.5f, 0.5f};
  const std::vector<uint32_t> corrections = {1, 2};
  view.served = {{"click", clicks, {}}};
  view.corrections = corrections;

  Step(view);

  EXPECT_EQ(learner_->RecentEvaluation()[0].rows, 1u);
  EXPECT_EQ(learner_->OpenedEvaluations()[0].second[0].rows, 1u);
  EXPECT_EQ(learner_->OpenedServed()[0].second[0].rows, 1u);
  EXPECT_EQ(learner_->counters().rows_learned, 3u);
}

// The promise of model.proto: label, label taken back and true label are together the true label's gradient.
TEST_F(JoinedRowsTest, ALabelAndItsCorrectionAddUpToTheTrueLabel) {
  const std::unique_ptr<Learner> straight = NewLearner(spec_);
  OwnedExamples corrected = Rows({7, 7, 7}, {0, 0, 1});
  corrected.weights = {1, -1, 1};
  OwnedExamples once = Rows({7}, {1});
  once.weights = {1.0f / 3};  // The loss is a mean over the step's rows.

  Learn(*learner_, corrected);
  Learn(*straight, once);

  const Table table = Rows({7, 8}, {0, 0}).features;
  const auto expected = Score(spec_, *straight->MakeSnapshot(1, 0).value(), table, "shop", "click");
  const auto scores = Score(spec_, *learner_->MakeSnapshot(1, 0).value(), table, "shop", "click");
  const auto untaught = Score(spec_, *NewLearner(spec_)->MakeSnapshot(1, 0).value(), table, "shop", "click");
  for (size_t i = 0; i < scores.size(); ++i) {
    EXPECT_NEAR(scores[i], expected[i], 1e-6);
    EXPECT_GT(std::abs(scores[i] - untaught[i]), 1e-4);
  }
}

}  // namespace
}  // namespace polyscene
