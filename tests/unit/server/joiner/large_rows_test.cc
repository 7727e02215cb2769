// A row of labels joins a copy of its request's context, so a small batch of labels may become very large records.
#include "tests/unit/server/joiner/joiner_fixture.h"

namespace polyscene {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Lt;
using ::testing::SizeIs;

constexpr int kValues = 50'000;  // Of the context's sequence: 400,000 bytes a row.
constexpr size_t kRowBytes = 8 * kValues;
constexpr size_t kRecordBytes = 8 << 20;
constexpr size_t kBatchBytes = 64 << 20;

class LargeRowsTest : public JoinerTest {
 protected:
  void RememberLarge(const std::string& id, int rows) {
    v1::RememberedRequest request = Request(rows);
    v1::Column& recent = *request.add_context();
    recent.set_name("recent");
    for (int i = 0; i < kValues; ++i) recent.add_ints(i);
    recent.add_lengths(kValues);
    ASSERT_TRUE(TryRemember(id, request).ok());
  }

  static v1::LabelBatch Clicks(const std::string& id, uint32_t from, uint32_t to) {
    std::vector<Label> labels;
    for (uint32_t row = from; row < to; ++row) labels.emplace_back(id, row, "click", 1.0f);
    return Batch(labels);
  }

  std::vector<size_t> RecordBytes() {
    std::vector<size_t> bytes;
    for (const v1::LogRecord& record : Records()) bytes.push_back(record.ByteSizeLong());
    return bytes;
  }
};

TEST_F(LargeRowsTest, RowsAreSpreadOverRecordsInTheirOrder) {
  RememberLarge("r", 60);
  const Appended appended = Send("p", Clicks("r", 0, 60));  // 24 MB.
  EXPECT_EQ(appended.accepted_rows, 60);
  EXPECT_THAT(RecordBytes(), SizeIs(3));
  EXPECT_THAT(RecordBytes(), Each(Lt(kRecordBytes + kRowBytes + 100'000)));
  std::vector<uint32_t> rows;
  for (const LoggedRow& row : Rows()) rows.push_back(row.row);
  std::vector<uint32_t> expected(60);
  for (uint32_t row = 0; row < 60; ++row) expected[row] = row;
  EXPECT_EQ(rows, expected);
}

TEST_F(LargeRowsTest, WhatIsTooMuchForOneBatchIsRefusedAndTakenFromTheNext) {
  RememberLarge("r", 200);
  const Appended appended = Send("p", Clicks("r", 0, 200));  // 80 MB.
  const uint64_t room = kBatchBytes / kRowBytes + 1;
  EXPECT_EQ(appended.accepted_rows, room);
  ASSERT_THAT(appended.refused, SizeIs(200 - room));
  EXPECT_EQ(appended.refused[0].reason, "too_many_rows");
  EXPECT_EQ(appended.refused[0].row, room);
  EXPECT_THAT(appended.refused[0].message, HasSubstr("send the labels of fewer rows in a batch"));
  EXPECT_THAT(Send("p", Clicks("r", static_cast<uint32_t>(room), 200)).refused, IsEmpty());
  EXPECT_THAT(Rows(), SizeIs(200));
}

TEST_F(LargeRowsTest, ASweepGoesOnWhereItStopped) {
  for (const std::string id : {"a", "b"}) {
    RememberLarge(id, 120);
    std::vector<uint32_t> rows(120);
    for (uint32_t row = 0; row < 120; ++row) rows[row] = row;
    Expose(id, rows);
  }
  RememberLarge("c", 60);
  Expose("c", {3, 4});
  clock_.Advance(absl::Seconds(11));
  Sweep();  // 97 MB of negatives.
  EXPECT_THAT(Rows(), SizeIs(242));
  EXPECT_THAT(RecordBytes(), Each(Lt(kRecordBytes + kRowBytes + 100'000)));
}

}  // namespace
}  // namespace polyscene
