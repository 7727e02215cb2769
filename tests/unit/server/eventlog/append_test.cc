#include <future>

#include "tests/unit/server/eventlog/event_log_fixture.h"

namespace polyscene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(EventLogTest, OffsetsCountRows) {
  EXPECT_EQ(Log("shop-1", 1, Items(0, 3)), 3);
  EXPECT_EQ(Log("shop-2", 1, Items(3, 2)), 5);
  EXPECT_EQ(log_->end_offset(), 5);
  EXPECT_EQ(log_->rows_accepted(), 5);
}

TEST_F(EventLogTest, AControlRecordTakesOneOffsetAndIsNoRow) {
  Log("p", 1, Items(0, 3));
  EXPECT_EQ(AppendAndWait(*log_, OpeningRecord("p", 7))->end_offset, 4);
  EXPECT_EQ(Log("p", 2, Items(3, 1)), 5);
  EXPECT_EQ(log_->rows_accepted(), 4);
}

TEST_F(EventLogTest, ARecordIsKeptAsItCame) {
  v1::LogRecord record = EventsRecord("p", 1, {10, 20});
  record.set_accepted_at_micros(123);
  ASSERT_TRUE(AppendAndWait(*log_, record).ok());

  const std::vector<LogEntry> entries = ReadFrom(0);
  ASSERT_EQ(entries.size(), 1);
  record.set_format_version(1);
  record.set_model_fingerprint(0xfeed);
  EXPECT_EQ(entries[0].record.SerializeAsString(), record.SerializeAsString());
}

TEST_F(EventLogTest, ARecordWithoutATimeIsStampedNow) {
  const absl::Time before = absl::Now();
  Log("p", 1, {1});
  const absl::Time stamped = absl::FromUnixMicros(ReadFrom(0)[0].record.accepted_at_micros());
  EXPECT_GE(stamped, before - absl::Milliseconds(1));
  EXPECT_LE(stamped, absl::Now());
}

TEST_F(EventLogTest, ARepeatIsAnsweredAndNotLoggedAgain) {
  Log("p", 1, Items(0, 3));
  Log("p", 2, Items(3, 3));
  absl::StatusOr<Appended> repeat = Append("p", 1, Items(0, 3));
  ASSERT_TRUE(repeat.ok()) << repeat.status();
  EXPECT_TRUE(repeat->repeated);
  EXPECT_EQ(repeat->end_offset, 6);
  EXPECT_EQ(log_->end_offset(), 6);
}

TEST_F(EventLogTest, ASequenceThatSkipsIsRefused) {
  Log("p", 1, {1});
  const absl::Status status = Append("p", 3, {3}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("producer 'p': sequence 3 skips, expected 2"));
  EXPECT_EQ(log_->end_offset(), 1);
  EXPECT_EQ(Log("p", 2, {2}), 2);
}

TEST_F(EventLogTest, ProducersCountEachForItself) {
  Log("a", 1, {1});
  EXPECT_EQ(Append("b", 2, {2}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(EventLogTest, SequenceZeroAndEmptyRecordsAreRefused) {
  EXPECT_EQ(Append("p", 0, {1}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(AppendAndWait(*log_, v1::LogRecord()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(EventLogTest, ABatchWithNoRowsLeftOnlyMovesTheWatermark) {
  Log("p", 1, {1, 2});
  EXPECT_EQ(Log("p", 2, {}), 2);
  EXPECT_EQ(Log("p", 3, {3}), 3);
  EXPECT_THAT(ItemsFrom(0), ElementsAre(1, 2, 3));
  EXPECT_EQ(log_->WatermarkOf("p", 2, 0).logged(), 3);
  EXPECT_EQ(log_->WatermarkOf("p", 2, 0).learned(), 2);
}

TEST_F(EventLogTest, PipelinedAppendsAreAnsweredInOrder) {
  constexpr int kBatches = 200;
  std::vector<uint64_t> ends;
  std::promise<void> last;
  for (int i = 1; i <= kBatches; ++i) {
    log_->Append(EventsRecord("p", i, Items(i, 2)), [&, i](absl::StatusOr<Appended> appended) {
      ASSERT_TRUE(appended.ok()) << appended.status();
      ends.push_back(appended->end_offset);
      if (i == kBatches) last.set_value();
    });
  }
  last.get_future().wait();
  ASSERT_EQ(ends.size(), kBatches);
  for (int i = 0; i < kBatches; ++i) EXPECT_EQ(ends[i], 2 * (i + 1));
}

TEST_F(EventLogTest, ARepeatOfSomethingQueuedIsAnsweredWithIt) {
  std::vector<std::future<absl::StatusOr<Appended>>> answers;
  for (const uint64_t sequence : {1, 2, 1, 2, 3}) {
    auto answer = std::make_shared<std::promise<absl::StatusOr<Appended>>>();
    answers.push_back(answer->get_future());
    log_->Append(EventsRecord("p", sequence, {static_cast<int64_t>(sequence)}),
                 [answer](absl::StatusOr<Appended> appended) { answer->set_value(std::move(appended)); });
  }
  std::vector<bool> repeated;
  for (auto& answer : answers) repeated.push_back(answer.get()->repeated);
  EXPECT_THAT(repeated, ElementsAre(false, false, true, true, false));
  EXPECT_THAT(ItemsFrom(0), ElementsAre(1, 2, 3));
}

TEST_F(EventLogTest, WhatIsQueuedIsWrittenBeforeTheLogCloses) {
  std::promise<absl::StatusOr<Appended>> answer;
  log_->Append(EventsRecord("p", 1, {1}), [&](absl::StatusOr<Appended> appended) { answer.set_value(appended); });
  Open();
  EXPECT_TRUE(answer.get_future().get().ok());
  EXPECT_THAT(ItemsFrom(0), ElementsAre(1));
}

TEST_F(EventLogTest, ManyThreadsAppendAtOnce) {
  std::vector<std::thread> producers;
  for (int p = 0; p < 4; ++p) {
    producers.emplace_back([this, p] {
      for (int sequence = 1; sequence <= 50; ++sequence) Log(std::string(1, static_cast<char>('a' + p)), sequence, {p});
    });
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(log_->end_offset(), 200);
  EXPECT_EQ(ItemsFrom(0).size(), 200);
}

}  // namespace
}  // namespace polyscene
