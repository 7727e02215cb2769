// Which labels of a step count.
#include "model/feature/task_labels.h"

#include <gmock/gmock.h>

#include "model/data/examples.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kModel[] = R"(
  name: "masks"
  features { name: "x" side: CONTEXT type: FLOAT encode { numeric { scaling: NONE } } }
  scenes { name: "shop" tasks: ["rating", "click", "buy", "missed", "returned"] }
  tasks { name: "click" binary {} }
  tasks { name: "buy" binary {} defined_when { task: "click" } }
  tasks { name: "missed" binary {} defined_when { task: "click" negative: true } }
  tasks { name: "returned" binary {} defined_when { task: "buy" } }
  tasks { name: "rating" forecast { horizon: 2 } defined_when { task: "click" } }
  network { shared_bottom { hidden: [2] } }
)";

class TaskLabelsTest : public testing::Test {
 protected:
  struct Labels {
    std::string task;
    std::vector<float> values;
    std::vector<uint32_t> missing;
  };

  // Rows in two slices of one batch, so that a row's number is not its place.
  const std::vector<TaskLabels>& Collect(const std::vector<Labels>& labels, std::vector<float> weights = {}) {
    features_.rows = 4;
    ExamplesView view;
    view.scene = "shop";
    view.features = features_.View();
    for (const Labels& of_task : labels) view.labels.push_back({of_task.task, of_task.values, of_task.missing});
    view.weights = weights;
    const ExampleSlice slices[] = {{&view, 1, 4, ""}, {&view, 0, 1, ""}};
    EXPECT_EQ(CollectLabels(*spec_, slices, collected_), 4);
    return collected_;
  }
  const TaskLabels& Of(const std::string& task) const { return collected_[spec_->FindTask(task)]; }

  const std::shared_ptr<const ModelSpec> spec_ = *ModelSpec::Parse(kModel, "test.textproto");
  Table features_;
  std::vector<TaskLabels> collected_;
};

TEST_F(TaskLabelsTest, ALabelCountsWhereItsConditionIsOne) {
  Collect({{"click", {1, 0, 1, 1}, {3}}, {"buy", {1, 1, 0, 1}, {}}});
  // Batch rows 1, 2, 3, 0 are rows 0 to 3; clicked are 2 and 0, and of 3 nobody knows.
  EXPECT_THAT(Of("buy").labelled, ElementsAre(1, 3));
  EXPECT_THAT(Of("buy").values, ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(Of("buy").weights, ElementsAre(0, 1, 0, 1));
  EXPECT_EQ(Of("buy").weighted, 2);
  EXPECT_THAT(Of("click").labelled, ElementsAre(0, 1, 3));
}

TEST_F(TaskLabelsTest, OrWhereItIsZero) {
  Collect({{"click", {1, 0, 1, 0}, {}}, {"missed", {1, 1, 1, 0}, {}}});
  EXPECT_THAT(Of("missed").labelled, ElementsAre(0, 2));
  EXPECT_THAT(Of("missed").values, ElementsAre(1, 0, 0, 0));
}

TEST_F(TaskLabelsTest, WithoutAnyLabelOfTheConditionNoneCounts) {
  Collect({{"buy", {1, 1, 0, 1}, {}}});
  EXPECT_THAT(Of("buy").labelled, IsEmpty());
  EXPECT_EQ(Of("buy").weighted, 0);
}

// `buy` of a row that was not clicked does not count, and says all the same that `returned` does.
TEST_F(TaskLabelsTest, AConditionsOwnConditionDoesNotMatter) {
  Collect({{"click", {0, 0, 0, 0}, {}}, {"buy", {0, 1, 0, 1}, {}}, {"returned", {1, 1, 1, 1}, {}}});
  EXPECT_THAT(Of("buy").labelled, IsEmpty());
  EXPECT_THAT(Of("returned").labelled, ElementsAre(0, 2));
}

TEST_F(TaskLabelsTest, VectorsAndWeightsGoAsAWhole) {
  Collect({{"click", {1, 0, 1, 1}, {}}, {"rating", {1, 2, 3, 4, 5, 6, 7, 8}, {}}}, {0, 2, -3, 4});
  EXPECT_THAT(Of("rating").labelled, ElementsAre(1, 2, 3));
  EXPECT_THAT(Of("rating").values, ElementsAre(0, 0, 5, 6, 7, 8, 1, 2));
  EXPECT_THAT(Of("rating").weights, ElementsAre(0, -3, 4, 0));
  EXPECT_EQ(Of("rating").weighted, 2);
}

}  // namespace
}  // namespace polyscene
