// The shuffle buffer loses nothing, mixes, and repeats itself.
#include "model/offline/shuffle_buffer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

#include "tests/unit/model/offline/offline_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;

class ShuffleBufferTest : public testing::Test {
 protected:
  // Rows numbered from `first` on, by which all that they have can be told.
  EncodedExamples Rows(int64_t first, int64_t count) const {
    EncodedExamples rows;
    rows.inputs.rows = count;
    rows.inputs.slots.resize(2);  // user, tags.
    rows.labels.resize(2);        // click, kind.
    for (int64_t r = 0; r < count; ++r) {
      const int64_t n = first + r;
      rows.inputs.scenes.push_back(static_cast<int32_t>(n % 2));
      rows.inputs.slots[0].ids.push_back(static_cast<uint64_t>(n));
      rows.inputs.slots[1].lengths.push_back(static_cast<int32_t>(n % 3));
      for (int64_t i = 0; i < n % 3; ++i) rows.inputs.slots[1].ids.push_back(static_cast<uint64_t>(100 * n + i));
      rows.inputs.dense.push_back(static_cast<float>(n));
      rows.event_times_micros.push_back(n);
      for (int t = 0; t < 2; ++t) {
        const bool labelled = n % 5 != t;
        rows.labels[t].values.push_back(labelled ? static_cast<float>(n + t) : 0.0f);
        rows.labels[t].weights.push_back(labelled ? static_cast<float>(n % 4) : 0.0f);
        if (labelled) rows.labels[t].labelled.push_back(r);
        if (labelled && n % 4 > 0) ++rows.labels[t].weighted;
      }
    }
    return rows;
  }

  // Passes rows 0 .. count - 1 through a buffer; their numbers as they come out.
  std::vector<int64_t> Order(int64_t count, int64_t capacity, uint64_t seed, int64_t step_rows = 4) {
    ShuffleBuffer buffer(*spec_, capacity, seed);
    std::vector<int64_t> order;
    EncodedExamples step;
    for (int64_t next = 0; next < count || buffer.rows() > 0;) {
      const int64_t added = std::min(buffer.room(), count - next);
      const EncodedExamples rows = Rows(next, added);
      buffer.Add(rows, 0, added / 2);
      buffer.Add(rows, added / 2, added);
      next += added;
      buffer.Take(step_rows, step);
      for (const uint64_t id : step.inputs.slots[0].ids) order.push_back(static_cast<int64_t>(id));
    }
    return order;
  }

  const std::shared_ptr<const ModelSpec> spec_ = OfflineModel();
};

TEST_F(ShuffleBufferTest, EachRowComesOutOnce) {
  std::vector<int64_t> order = Order(1000, 100, 1);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  ASSERT_EQ(order.size(), 1000u);
  for (int64_t n = 0; n < 1000; ++n) EXPECT_EQ(order[n], n);
}

TEST_F(ShuffleBufferTest, TheSameSeedGivesTheSameOrderAndAnotherAnother) {
  EXPECT_EQ(Order(500, 100, 7), Order(500, 100, 7));
  EXPECT_NE(Order(500, 100, 7), Order(500, 100, 8));
}

TEST_F(ShuffleBufferTest, NoRowComesBeforeItWasReadAndTheMeanDistanceIsTheBuffers) {
  const std::vector<int64_t> order = Order(20'000, 1000, 3);
  double distance = 0;
  for (size_t place = 0; place < order.size(); ++place) {
    EXPECT_LT(order[place], static_cast<int64_t>(place) + 1000);
    distance += static_cast<double>(place) - static_cast<double>(order[place]);
  }
  EXPECT_NEAR(distance, 0, 1) << "moved forward and backward alike";
  double waited = 0;  // From 5,000 on, where the buffer is full and stays so.
  for (size_t place = 5000; place < 15'000; ++place) {
    waited += static_cast<double>(place) + 1000 - static_cast<double>(order[place]);
  }
  EXPECT_NEAR(waited / 10'000, 1000, 50);
}

TEST_F(ShuffleBufferTest, ABufferOfAStepKeepsTheOrderOfSteps) {
  std::vector<int64_t> order = Order(8, 4, 1);
  std::sort(order.begin(), order.begin() + 4);
  std::sort(order.begin() + 4, order.end());
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST_F(ShuffleBufferTest, ARowKeepsAllThatItHas) {
  ShuffleBuffer buffer(*spec_, 50, 1);
  EncodedExamples step;
  for (int round = 0; round < 3; ++round) {  // Places are used again.
    buffer.Add(Rows(0, 50), 0, 50);
    buffer.Take(50, step);
    ASSERT_EQ(step.rows(), 50);
    size_t next_tag = 0;
    std::vector<int64_t> labelled[2];
    int64_t weighted[2] = {};
    for (int64_t r = 0; r < 50; ++r) {
      const int64_t n = static_cast<int64_t>(step.inputs.slots[0].ids[r]);
      EXPECT_EQ(step.inputs.scenes[r], n % 2);
      EXPECT_EQ(step.inputs.dense[r], static_cast<float>(n));
      EXPECT_EQ(step.event_times_micros[r], n);
      ASSERT_EQ(step.inputs.slots[1].lengths[r], n % 3);
      for (int64_t i = 0; i < n % 3; ++i) {
        EXPECT_EQ(step.inputs.slots[1].ids[next_tag++], static_cast<uint64_t>(100 * n + i));
      }
      for (int t = 0; t < 2; ++t) {
        const bool has = n % 5 != t;
        EXPECT_EQ(step.labels[t].values[r], has ? static_cast<float>(n + t) : 0.0f);
        EXPECT_EQ(step.labels[t].weights[r], has ? static_cast<float>(n % 4) : 0.0f);
        if (has) labelled[t].push_back(r);
        if (has && n % 4 > 0) ++weighted[t];
      }
    }
    for (int t = 0; t < 2; ++t) {
      EXPECT_EQ(step.labels[t].labelled, labelled[t]);
      EXPECT_EQ(step.labels[t].weighted, weighted[t]);
    }
  }
}

}  // namespace
}  // namespace polyscene
