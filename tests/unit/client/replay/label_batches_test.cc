#include "client/replay/label_batches.h"

#include <limits>

#include "gmock/gmock.h"
#include "tests/unit/client/replay/shop.h"

namespace polyscene::replay {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

DueLabels Due(const std::string& id, uint32_t row, int64_t at, std::vector<float> labels, int64_t line = 0) {
  DueLabels due;
  due.request = std::make_shared<RememberedRequest>(RememberedRequest{id, 0, 0, {}});
  due.labels.row = row;
  due.labels.label_at = at;
  due.labels.labels = std::move(labels);
  due.labels.line = line;
  return due;
}

TEST(LabelScheduleTest, WhatIsKnownFirstComesFirstAndOfOneTimeWhatWasAddedFirst) {
  LabelSchedule schedule;
  EXPECT_EQ(schedule.next_at(), std::numeric_limits<int64_t>::max());
  schedule.Add(Due("a", 0, 30, {}));
  schedule.Add(Due("b", 0, 10, {}));
  schedule.Add(Due("c", 0, 20, {}));
  schedule.Add(Due("d", 0, 10, {}));
  EXPECT_EQ(schedule.next_at(), 10);
  const auto ids = [](const std::vector<DueLabels>& rows) {
    std::vector<std::string> all;
    for (const DueLabels& row : rows) all.push_back(row.request->id);
    return all;
  };
  EXPECT_THAT(ids(schedule.TakeDue(9, 10)), IsEmpty());
  EXPECT_THAT(ids(schedule.TakeDue(20, 2)), ElementsAre("b", "d"));
  EXPECT_THAT(ids(schedule.TakeDue(20, 2)), ElementsAre("c"));
  EXPECT_THAT(ids(schedule.TakeDue(20, 2)), IsEmpty());
  EXPECT_EQ(schedule.size(), 1u);
}

TEST(BatchOfTest, RowsNameTheirRequestsAndTasksWithoutAnyLabelAreLeftOut) {
  const std::vector<DueLabels> rows = {Due("a", 2, 10, {1, kNone, kNone, kNone, kNone}),
                                       Due("b", 0, 20, {kNone, kNone, kNone, 3, 4}),
                                       Due("a", 1, 30, {0, kNone, kNone, 5, kNone})};
  const v1::LabelBatch batch = BatchOf(*Shop(), rows);
  EXPECT_THAT(batch.request_ids(), ElementsAre("a", "b"));
  EXPECT_THAT(batch.request(), ElementsAre(0u, 1u, 0u));
  EXPECT_THAT(batch.row(), ElementsAre(2u, 0u, 1u));
  EXPECT_THAT(batch.label_times_micros(), ElementsAre(10, 20, 30));
  EXPECT_THAT(batch.weights(), IsEmpty());
  ASSERT_EQ(batch.labels_size(), 2);
  EXPECT_EQ(batch.labels(0).task(), "click");
  EXPECT_THAT(batch.labels(0).values(), ElementsAre(1, 0, 0));
  EXPECT_THAT(batch.labels(0).missing_rows(), ElementsAre(1u));
  EXPECT_EQ(batch.labels(1).task(), "next");
  EXPECT_THAT(batch.labels(1).values(), ElementsAre(0, 0, 3, 4, 0, 0));
  EXPECT_THAT(batch.labels(1).missing_rows(), ElementsAre(0u, 2u)) << "a forecast with a gap is no label";
}

TEST(BatchOfTest, OneWeightThatIsNotOneSendsThemAll) {
  std::vector<DueLabels> rows = {Due("a", 0, 1, {1, kNone, kNone, kNone, kNone}),
                                 Due("a", 1, 1, {1, kNone, kNone, kNone, kNone})};
  rows[1].labels.weight = 2.5;
  EXPECT_THAT(BatchOf(*Shop(), rows).weights(), ElementsAre(1, 2.5));
}

}  // namespace
}  // namespace polyscene::replay
