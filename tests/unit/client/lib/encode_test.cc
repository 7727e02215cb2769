#include "client/lib/encode.h"

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyscene::client {
namespace {

using ::testing::ElementsAre;

TEST(EncodeBatchTest, CarriesEveryColumnAndLabel) {
  EventTable table;
  table.scene = "search";
  table.features.rows = 2;
  table.features.Add("user", ValueType::kInt64).ints = {-1, 2};
  table.features.Add("price", ValueType::kFloat).floats = {0.5f, 1};
  Column& seen = table.features.Add("seen", ValueType::kString);
  seen.strings = {"a", "b"};
  seen.lengths = {2, 0};
  seen.missing = {1};
  table.labels.push_back({"click", 1, {1, 0}, {1}});
  table.event_times_micros = {5, 6};
  table.weights = {1, 2};

  const v1::EventBatch batch = EncodeBatch(std::move(table));

  EXPECT_EQ(batch.scene(), "search");
  EXPECT_EQ(batch.rows(), 2u);
  ASSERT_EQ(batch.columns_size(), 3);
  EXPECT_EQ(batch.columns(0).name(), "user");
  EXPECT_THAT(batch.columns(0).ints(), ElementsAre(-1, 2));
  EXPECT_THAT(batch.columns(1).floats(), ElementsAre(0.5f, 1));
  EXPECT_THAT(batch.columns(2).strings(), ElementsAre("a", "b"));
  EXPECT_THAT(batch.columns(2).lengths(), ElementsAre(2, 0));
  EXPECT_THAT(batch.columns(2).missing_rows(), ElementsAre(1));
  ASSERT_EQ(batch.labels_size(), 1);
  EXPECT_EQ(batch.labels(0).task(), "click");
  EXPECT_THAT(batch.labels(0).values(), ElementsAre(1, 0));
  EXPECT_THAT(batch.labels(0).missing_rows(), ElementsAre(1));
  EXPECT_THAT(batch.event_times_micros(), ElementsAre(5, 6));
  EXPECT_THAT(batch.weights(), ElementsAre(1, 2));
}

TEST(EncodeBatchTest, WhatNoRowHasIsLeftOut) {
  EventTable table;
  table.scene = "search";
  table.features.rows = 1;
  Column& user = table.features.Add("user", ValueType::kInt64);
  user.ints = {0};
  user.missing = {0};
  table.labels.push_back({"click", 1, {0}, {0}});

  const v1::EventBatch batch = EncodeBatch(std::move(table));

  EXPECT_EQ(batch.columns_size(), 0);
  EXPECT_EQ(batch.labels_size(), 0);
}

}  // namespace
}  // namespace polyscene::client
