#include "server/eventlog/producer_marks.h"

#include <gtest/gtest.h>

namespace polyscene {
namespace {

class ProducerMarksTest : public testing::Test {
 protected:
  void Expect(uint64_t learned_offset, uint64_t served_offset, uint64_t learned, uint64_t served) {
    const v1::Watermark watermark = marks_.WatermarkOf("p", learned_offset, served_offset);
    EXPECT_EQ(watermark.learned(), learned) << "learned_offset " << learned_offset;
    EXPECT_EQ(watermark.served(), served) << "served_offset " << served_offset;
  }

  ProducerMarks marks_;
};

TEST_F(ProducerMarksTest, AnUnknownProducerHasLoggedNothing) {
  EXPECT_EQ(marks_.WatermarkOf("p", 100, 100).logged(), 0);
  EXPECT_EQ(marks_.Last("p").sequence, 0);
}

TEST_F(ProducerMarksTest, ABatchIsLearnedOnceItsLastRowIs) {
  marks_.Add("p", {1, 10});
  marks_.Add("p", {2, 20});
  EXPECT_EQ(marks_.WatermarkOf("p", 0, 0).logged(), 2);
  Expect(9, 0, 0, 0);
  Expect(10, 9, 1, 0);
  Expect(19, 10, 1, 1);
  Expect(20, 19, 2, 1);
  Expect(25, 20, 2, 2);
}

TEST_F(ProducerMarksTest, BatchesWithoutRowsAreLearnedWithTheOneBefore) {
  marks_.Add("p", {1, 10});
  marks_.Add("p", {2, 10});
  marks_.Add("p", {3, 12});
  Expect(9, 9, 0, 0);
  Expect(10, 10, 2, 2);
}

TEST_F(ProducerMarksTest, AfterARestartOnlyTheLastBatchIsKnown) {
  marks_.Add("p", {500, 10000});
  Expect(9999, 9999, 0, 0);
  Expect(10000, 9999, 500, 0);
}

TEST_F(ProducerMarksTest, ALongBacklogIsThinnedButNeverRunsAhead) {
  constexpr uint64_t kBatches = 100000;
  for (uint64_t i = 1; i <= kBatches; ++i) marks_.Add("p", {i, i * 10});
  for (const uint64_t batch : {uint64_t{1}, uint64_t{5000}, uint64_t{99999}}) {
    const v1::Watermark watermark = marks_.WatermarkOf("p", batch * 10, 0);
    EXPECT_LE(watermark.learned(), batch);
    EXPECT_GE(watermark.learned() + 8, batch);
  }
  Expect(kBatches * 10, kBatches * 10, kBatches, kBatches);
}

}  // namespace
}  // namespace polyscene
