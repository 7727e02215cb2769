// What holds of the encoder over random tables.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/data/table_slice.h"
#include "model/feature/encoder.h"
#include "tests/unit/model/feature/shop_model.h"

namespace polyscene {
namespace {

class EncoderPropertyTest : public ::testing::TestWithParam<int> {
 protected:
  int Below(int n) { return static_cast<int>(random_() % n); }
  float Number() { return static_cast<float>(std::normal_distribution<double>(20, 30)(random_)); }

  // A table of the features of one side, each with random values, missing rows, or no column at all.
  Table RandomTable(int scene, bool candidate, int64_t rows) {
    Table table;
    table.rows = rows;
    for (size_t i = 0; i < spec_->features().size(); ++i) {
      const FeatureSpec& feature = spec_->features()[i];
      if (feature.candidate != candidate || !spec_->scenes()[scene].has_feature[i]) continue;
      if (!feature.required && Below(5) == 0) continue;
      // Personal strings arrive as ids.
      Column& column = table.Add(feature.name, feature.personal ? ValueType::kInt64 : feature.type);
      for (int64_t row = 0; row < rows; ++row) {
        const int values = feature.sequence ? Below(6) : 1;
        if (feature.sequence) column.lengths.push_back(values);
        for (int v = 0; v < values; ++v) AddValue(column);
        if (!feature.required && Below(4) == 0) column.missing.push_back(static_cast<uint32_t>(row));
      }
    }
    return table;
  }

  void AddValue(Column& column) {
    static const std::vector<std::string> kWords = {"shoe", "hat", "bag", "red", "blue", "acme", ""};
    if (column.type == ValueType::kInt64) column.ints.push_back(Below(100) - 10);
    if (column.type == ValueType::kFloat) column.floats.push_back(Number());
    if (column.type == ValueType::kString) column.strings.push_back(kWords[Below(static_cast<int>(kWords.size()))]);
  }

  // `candidates` with the one row of `context` before each of its rows.
  static Table Expand(const Table& context, const Table& candidates) {
    Table table = candidates;
    for (const Column& one : context.columns) {
      Column& column = table.Add(one.name, one.type);
      for (int64_t row = 0; row < candidates.rows; ++row) {
        column.ints.insert(column.ints.end(), one.ints.begin(), one.ints.end());
        column.floats.insert(column.floats.end(), one.floats.begin(), one.floats.end());
        column.strings.insert(column.strings.end(), one.strings.begin(), one.strings.end());
        column.lengths.insert(column.lengths.end(), one.lengths.begin(), one.lengths.end());
        if (!one.missing.empty()) column.missing.push_back(static_cast<uint32_t>(row));
      }
    }
    return table;
  }

  FeatureStatistics RandomStatistics() {
    FeatureStatistics statistics(spec_->statistics_count());
    const int values = Below(4);
    for (RunningStatistics& entry : statistics.entries) {
      for (int i = 0; i < values; ++i) entry.Add(Number());
    }
    return statistics;
  }

  static void ExpectEqual(const EncodedBatch& a, const EncodedBatch& b) {
    EXPECT_EQ(a.rows, b.rows);
    EXPECT_EQ(a.scenes, b.scenes);
    EXPECT_EQ(a.dense, b.dense);
    ASSERT_EQ(a.slots.size(), b.slots.size());
    for (size_t slot = 0; slot < a.slots.size(); ++slot) {
      EXPECT_EQ(a.slots[slot].ids, b.slots[slot].ids) << "slot " << slot;
      EXPECT_EQ(a.slots[slot].lengths, b.slots[slot].lengths) << "slot " << slot;
    }
  }

  std::shared_ptr<const ModelSpec> spec_ = ShopSpec();
  FeatureEncoder encoder_{spec_, HashKey()};
  std::mt19937_64 random_{static_cast<uint64_t>(GetParam())};
};

TEST_P(EncoderPropertyTest, ARequestEqualsItsRowsWithTheContextWrittenOut) {
  EncodedBatch requests;
  EncodedBatch rows;
  for (int i = 0; i < 20; ++i) {
    const int scene = Below(2) == 0 ? kFeedScene : kSearchScene;
    const Table context = RandomTable(scene, false, 1);
    const Table candidates = RandomTable(scene, true, 1 + Below(20));
    const Table expanded = Expand(context, candidates);
    const FeatureStatistics statistics = RandomStatistics();

    encoder_.AppendRequest(statistics, scene, context.View(), candidates.View(), requests);
    encoder_.AppendRows(statistics, scene, expanded.View(), 0, expanded.rows, rows);
  }
  ExpectEqual(requests, rows);
}

TEST_P(EncoderPropertyTest, ARequestEncodesTheSameInParts) {
  const int scene = Below(2) == 0 ? kFeedScene : kSearchScene;
  const Table context = RandomTable(scene, false, 1);
  const Table candidates = RandomTable(scene, true, 50);
  const TableView view = candidates.View();
  const FeatureStatistics statistics = RandomStatistics();
  EncodedBatch whole;
  EncodedBatch parts;

  encoder_.AppendRequest(statistics, scene, context.View(), view, whole);
  TableSlice slice;
  for (int64_t begin = 0; begin < 50;) {
    const int64_t end = std::min<int64_t>(50, begin + 1 + Below(15));
    encoder_.AppendRequest(statistics, scene, context.View(), slice.Cut(view, begin, end), parts);
    begin = end;
  }
  ExpectEqual(whole, parts);
}

TEST_P(EncoderPropertyTest, RowsEncodeTheSameHoweverTheyAreSplit) {
  const Table context = RandomTable(kFeedScene, false, 50);
  Table table = RandomTable(kFeedScene, true, 50);
  for (const Column& column : context.columns) table.columns.push_back(column);
  const TableView view = table.View();
  const FeatureStatistics statistics = RandomStatistics();
  EncodedBatch whole;
  EncodedBatch pieces;

  encoder_.AppendRows(statistics, kFeedScene, view, 0, 50, whole);
  for (int64_t begin = 0; begin < 50;) {
    const int64_t end = std::min<int64_t>(50, begin + Below(10));
    encoder_.AppendRows(statistics, kFeedScene, view, begin, end, pieces);
    begin = end;
  }

  ExpectEqual(pieces, whole);
}

INSTANTIATE_TEST_SUITE_P(Seeds, EncoderPropertyTest, ::testing::Range(0, 20));

}  // namespace
}  // namespace polyscene
