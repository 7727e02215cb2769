#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/feature/label_check.h"
#include "model/feature/validation.h"
#include "tests/unit/model/feature/shop_model.h"

namespace polyscene {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kMaxRows = 100;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

auto ErrorOf(int64_t row, const std::string& reason, const std::string& message) {
  return AllOf(Field("row", &RowError::row, row), Field("reason", &RowError::reason, reason),
               Field("message", &RowError::message, HasSubstr(message)));
}

auto Refused(const std::string& reason, const std::string& message) {
  return AllOf(Field("reason", &RowError::reason, reason), Field("message", &RowError::message, HasSubstr(message)));
}

// Three rows of the feed, good until a test spoils them.
class ValidateExamplesTest : public ::testing::Test {
 protected:
  ValidateExamplesTest() { features_.Ints("item", {5, 6, 7}).Floats("quality", {0.5f, 1, 2}); }

  void Label(absl::string_view task, std::vector<float> values, std::vector<uint32_t> missing = {}) {
    labels_.push_back({task, std::move(values), std::move(missing)});
  }

  std::vector<RowError> Validate() {
    ExamplesView examples;
    examples.scene = scene_;
    examples.features = features_.View();
    for (const OwnedLabels& labels : labels_) examples.labels.push_back({labels.task, labels.values, labels.missing});
    examples.weights = weights_;
    examples.event_times_micros = event_times_;
    std::vector<RowError> errors;
    ValidateExamples(*spec_, examples, kMaxRows, errors);
    for (const RowError& error : errors) EXPECT_THAT(kRejectReasons, Contains(error.reason));
    return errors;
  }

  struct OwnedLabels {
    absl::string_view task;
    std::vector<float> values;
    std::vector<uint32_t> missing;
  };

  std::shared_ptr<const ModelSpec> spec_ = ShopSpec();
  std::string scene_ = "feed";
  TableBuilder features_;
  std::vector<OwnedLabels> labels_;
  std::vector<float> weights_;
  std::vector<int64_t> event_times_;
};

TEST_F(ValidateExamplesTest, GoodRowsPass) {
  features_.Ints("age", {20, 30, 40});
  Label("click", {0, 1, 0});
  Label("group", {0, 2, 1});
  Label("demand", {1, 2, 3, 4, 5, -6});
  weights_ = {1, 0, 2.5f};
  event_times_ = {1, 2, 3};

  EXPECT_THAT(Validate(), IsEmpty());
}

TEST_F(ValidateExamplesTest, ABadRowIsRefusedAndTheOthersAreNot) {
  features_.Floats("price", {1, kNan, 2});

  EXPECT_THAT(Validate(),
              ElementsAre(ErrorOf(1, "not_finite", "feature 'price', row 1: got nan, expected a finite number")));
}

TEST_F(ValidateExamplesTest, OnlyTheFirstThingWrongWithARowIsTold) {
  features_.Floats("price", {1, kNan, 2});
  Label("click", {0, 7, 1});

  EXPECT_THAT(Validate(), ElementsAre(ErrorOf(1, "not_finite", "price")));
}

TEST_F(ValidateExamplesTest, ErrorsAscendByRow) {
  features_.Floats("price", {1, 2, kNan});
  Label("click", {7, 0, 0});

  EXPECT_THAT(Validate(), ElementsAre(ErrorOf(0, "out_of_range", "click"), ErrorOf(2, "not_finite", "price")));
}

TEST_F(ValidateExamplesTest, ErrorsAreAppended) {
  std::vector<RowError> errors = {{9, "ragged", "before"}};
  ExamplesView examples;
  examples.scene = "feed";

  ValidateExamples(*spec_, examples, kMaxRows, errors);

  EXPECT_THAT(errors, ElementsAre(ErrorOf(9, "ragged", "before"), ErrorOf(0, "no_rows", "rows: got 0 rows")));
}

TEST_F(ValidateExamplesTest, ARequiredValueThatIsMissingRefusesItsRow) {
  features_.column("item").missing = {2};

  EXPECT_THAT(Validate(), ElementsAre(ErrorOf(2, "missing_value", "feature 'item', row 2: got no value")));
}

TEST_F(ValidateExamplesTest, AnUnknownSceneRefusesEveryRowWithASuggestion) {
  scene_ = "fede";

  EXPECT_THAT(Validate(), AllOf(SizeIs(3), Each(Refused("unknown_scene",
                                                        "scene 'fede' is not in the model file; did "
                                                        "you mean 'feed'?"))));
}

TEST_F(ValidateExamplesTest, AnUnknownFeatureRefusesEveryRow) {
  features_.Ints("itme", {1, 2, 3});

  EXPECT_THAT(Validate(), AllOf(SizeIs(3), Each(Refused("unknown_feature", "did you mean 'item'?"))));
}

TEST_F(ValidateExamplesTest, AFeatureOfAnotherSceneRefusesEveryRow) {
  scene_ = "search";

  EXPECT_THAT(Validate(),
              AllOf(SizeIs(3), Each(Refused("unknown_feature", "feature 'quality' is not of scene 'search'"))));
}

TEST_F(ValidateExamplesTest, AWrongTypeRefusesEveryRow) {
  features_.Strings("price", {"1", "2", "3"});

  EXPECT_THAT(Validate(), AllOf(SizeIs(3), Each(Refused("wrong_type", "got STRING values, expected FLOAT"))));
}

TEST_F(ValidateExamplesTest, RaggedColumnsRefuseEveryRow) {
  features_.Floats("price", {1, 2}).Rows(3);

  EXPECT_THAT(Validate(), AllOf(SizeIs(3), Each(Refused("ragged", "feature 'price': got 2 values, expected 3"))));
}

TEST_F(ValidateExamplesTest, WhatRefusesEveryRowComesBeforeWhatRefusesOne) {
  features_.Floats("price", {kNan, 1, 2}).Ints("itme", {1, 2, 3});

  EXPECT_THAT(Validate(), AllOf(SizeIs(3), Each(Refused("unknown_feature", "itme"))));
}

TEST_F(ValidateExamplesTest, TooManyRowsAreEachRefused) {
  features_ = TableBuilder();
  features_.Ints("item", std::vector<int64_t>(101, 5)).Floats("quality", std::vector<float>(101, 1));

  EXPECT_THAT(Validate(), AllOf(SizeIs(101), Each(Refused("too_many_rows", "rows: got 101 rows, expected 1 to 100"))));
}

TEST_F(ValidateExamplesTest, ATaskThatIsNotOfTheSceneRefusesEveryRow) {
  features_ = TableBuilder();
  features_.Ints("item", {1});
  scene_ = "search";
  Label("spend", {1});

  EXPECT_THAT(Validate(), ElementsAre(ErrorOf(0, "unknown_task",
                                              "task 'spend' is not of scene 'search'; expected one "
                                              "of 'click'")));
}

TEST_F(ValidateExamplesTest, ATaskIsLabelledOnce) {
  Label("click", {0, 1, 0});
  Label("click", {0, 1, 0});

  EXPECT_THAT(Validate(), AllOf(SizeIs(3), Each(Refused("unknown_task", "labels of task 'click': got them twice"))));
}

TEST_F(ValidateExamplesTest, AForecastHasItsHorizonOfLabelsARow) {
  Label("demand", {1, 2, 3});

  EXPECT_THAT(Validate(), AllOf(SizeIs(3), Each(Refused("ragged", "got 3 values, expected 6, 2 a row"))));
}

TEST_F(ValidateExamplesTest, MissingLabelsAreRows) {
  Label("click", {0, 1, 0}, {3});

  EXPECT_THAT(Validate(), AllOf(SizeIs(3), Each(Refused("out_of_range", "labels of task 'click': got missing row 3"))));
}

TEST_F(ValidateExamplesTest, ABinaryLabelIsZeroOrOne) {
  Label("click", {0, 0.5f, 2});

  EXPECT_THAT(Validate(),
              ElementsAre(ErrorOf(1, "out_of_range", "label of task 'click', row 1: got 0.5, expected 0 or 1"),
                          ErrorOf(2, "out_of_range", "row 2: got 2")));
}

TEST_F(ValidateExamplesTest, AClassIsAnIntegerBelowTheNumberOfClasses) {
  Label("group", {1.5f, 3, -1});

  EXPECT_THAT(Validate(), ElementsAre(ErrorOf(0, "out_of_range", "got 1.5, expected a class's number, 0 to 2"),
                                      ErrorOf(1, "out_of_range", "got 3"), ErrorOf(2, "out_of_range", "got -1")));
}

TEST_F(ValidateExamplesTest, ALabelIsFinite) {
  Label("demand", {1, 2, 3, std::numeric_limits<float>::infinity(), 5, 6});

  EXPECT_THAT(Validate(), ElementsAre(ErrorOf(1, "not_finite",
                                              "label of task 'demand'[1], row 1: got inf, expected a "
                                              "finite number")));
}

TEST_F(ValidateExamplesTest, ALog1pLabelIsNotNegative) {
  Label("spend", {-0.5f, 0, 3});

  EXPECT_THAT(Validate(), ElementsAre(ErrorOf(0, "out_of_range", "got -0.5, expected 0 or more")));
}

TEST_F(ValidateExamplesTest, ACountIsNotNegative) {
  TaskSpec task;
  task.kind = TaskSpec::Kind::kRegression;
  EXPECT_TRUE(LabelIsInRange(task, -1));
  task.poisson = true;
  EXPECT_FALSE(LabelIsInRange(task, -1));
  EXPECT_TRUE(LabelIsInRange(task, 0));
  EXPECT_TRUE(LabelIsInRange(task, 2.5f));
  EXPECT_FALSE(LabelIsInRange(task, 2e6f));
}

TEST_F(ValidateExamplesTest, ALabelOutsideItsRangeCountsAsMissingAndIsNoError) {
  Label("visits", {-1, 101, 50});

  EXPECT_THAT(Validate(), IsEmpty());
}

TEST_F(ValidateExamplesTest, AMissingLabelsValueIsIgnored) {
  Label("click", {0, kNan, 1}, {1});

  EXPECT_THAT(Validate(), IsEmpty());
}

TEST_F(ValidateExamplesTest, WeightsAreFiniteAndNotNegative) {
  weights_ = {1, -1, kNan};

  EXPECT_THAT(Validate(), ElementsAre(ErrorOf(1, "out_of_range", "weight, row 1: got -1"),
                                      ErrorOf(2, "not_finite", "weight, row 2: got nan")));
}

TEST_F(ValidateExamplesTest, AWeightThatWouldDrownAllOthersIsRefused) {
  weights_ = {1e4f, 1.1e4f, 1e38f};

  EXPECT_THAT(Validate(), ElementsAre(ErrorOf(1, "out_of_range", "got 11000, expected a number from 0 to 10000"),
                                      ErrorOf(2, "out_of_range", "weight, row 2")));
}

TEST_F(ValidateExamplesTest, ALabelThatWouldDrownAllOthersIsRefused) {
  Label("demand", {1e6f, 0, 0, -1.1e6f, 1e22f, 0});

  EXPECT_THAT(Validate(), ElementsAre(ErrorOf(1, "out_of_range", "label of task 'demand'[1], row 1: got -1.1e+06"),
                                      ErrorOf(2, "out_of_range", "label of task 'demand'[0], row 2: got 1e+22")));
}

TEST_F(ValidateExamplesTest, AnEventTimeIsWithinTheYears1To9999) {
  event_times_ = {1, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};

  EXPECT_THAT(Validate(), ElementsAre(ErrorOf(1, "out_of_range", "event time, row 1: got 9223372036854775807"),
                                      ErrorOf(2, "out_of_range", "event time, row 2: got -9223372036854775808")));
}

TEST_F(ValidateExamplesTest, WeightsComeOneARow) {
  weights_ = {1};

  EXPECT_THAT(Validate(), AllOf(SizeIs(3), Each(Refused("ragged", "weights: got 1, expected 3, one a row, or none"))));
}

TEST_F(ValidateExamplesTest, EventTimesComeOneARow) {
  event_times_ = {1, 2, 3, 4};

  EXPECT_THAT(Validate(), AllOf(SizeIs(3), Each(Refused("ragged", "event times: got 4, expected 3"))));
}

}  // namespace
}  // namespace polyscene
