#include "model/feature/fit_examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kModel[] = R"(
  name: "fit"
  features { name: "item" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 2 } } } }
  features { name: "user" side: CONTEXT type: STRING personal: true encode { hash { embedding { dimension: 2 } } } }
  features { name: "tags" side: CONTEXT type: STRING sequence {} encode { hash { embedding { dimension: 2 } } } }
  scenes { name: "shop" tasks: ["click", "kind"] }
  scenes { name: "mail" tasks: ["click"] }
  tasks { name: "click" binary {} }
  tasks { name: "kind" multi_class { classes: 3 } }
  network { shared_bottom { hidden: [2] } }
)";

// Two rows.
class FitExamplesTest : public testing::Test {
 protected:
  FitExamplesTest() {
    examples_.scene = "shop";
    examples_.features.rows = 2;
  }
  void AddInts(const char* name) {
    ColumnView& column = examples_.features.columns.emplace_back();
    column.name = name;
    column.type = ValueType::kInt64;
    column.ints = ints_;
  }
  void AddLabels(const char* task, const std::vector<float>& values, absl::Span<const uint32_t> missing = {}) {
    examples_.labels.push_back({task, values, missing});
  }
  bool Fit() { return FitExamples(*spec_, examples_); }
  std::vector<std::string> Columns() const {
    std::vector<std::string> names;
    for (const ColumnView& column : examples_.features.columns) names.emplace_back(column.name);
    return names;
  }
  std::vector<std::string> Labels() const {
    std::vector<std::string> names;
    for (const LabelsView& labels : examples_.labels) names.emplace_back(labels.task);
    return names;
  }

  const std::shared_ptr<const ModelSpec> spec_ = *ModelSpec::Parse(kModel, "fit.textproto");
  const std::vector<int64_t> ints_ = {4, 5};
  const std::vector<float> good_ = {0, 1};
  const std::vector<float> bad_ = {0, 3};
  const std::vector<float> one_ = {1};
  const std::vector<uint32_t> second_ = {1};
  ExamplesView examples_;
};

TEST_F(FitExamplesTest, WhatFitsStays) {
  AddInts("item");
  AddInts("user");  // Personal values are logged as their hashes.
  AddLabels("click", good_);
  EXPECT_TRUE(Fit());
  EXPECT_THAT(Columns(), ElementsAre("item", "user"));
  EXPECT_THAT(Labels(), ElementsAre("click"));
}

TEST_F(FitExamplesTest, ColumnsOfNoFeatureOrAnotherTypeOrShapeGo) {
  AddInts("gone");
  AddInts("tags");  // Neither strings nor a sequence.
  AddInts("item");
  examples_.features.columns.back().ints = absl::MakeConstSpan(ints_).subspan(0, 1);
  EXPECT_TRUE(Fit());
  EXPECT_THAT(Columns(), IsEmpty());
}

TEST_F(FitExamplesTest, LabelsOfNoTaskOfTheSceneOrAnotherWidthOrRangeGo) {
  AddLabels("gone", good_);
  AddLabels("kind", bad_);
  AddLabels("click", one_);
  EXPECT_TRUE(Fit());
  EXPECT_THAT(Labels(), IsEmpty());
}

TEST_F(FitExamplesTest, AMissingLabelMayHaveAnyValue) {
  AddLabels("kind", bad_, second_);
  EXPECT_TRUE(Fit());
  EXPECT_THAT(Labels(), ElementsAre("kind"));
}

TEST_F(FitExamplesTest, ATaskThatTheSceneLostIsNotLearnedThere) {
  examples_.scene = "mail";
  AddLabels("kind", good_);
  EXPECT_TRUE(Fit());
  EXPECT_THAT(Labels(), IsEmpty());
}

TEST_F(FitExamplesTest, OfAnUnknownSceneNothingIsLeft) {
  examples_.scene = "closed";
  EXPECT_FALSE(Fit());
}

}  // namespace
}  // namespace polyscene
