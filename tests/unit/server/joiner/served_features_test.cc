// What is learned is what was scored, bit by bit.
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>
#include <random>

#include "absl/strings/str_cat.h"
#include "model/feature/encoder.h"
#include "server/codec/codec.h"
#include "tests/unit/server/joiner/joiner_fixture.h"

namespace polyscene {
namespace {

// Fills columns with values that arithmetic or text would not bring back, and leaves some of them, and some whole
// columns, out.
class Filler {
 public:
  explicit Filler(uint64_t seed) : random_(seed) {}

  int Below(int bound) { return static_cast<int>(random_() % static_cast<uint64_t>(bound)); }

  void Fill(const FeatureSpec& feature, int rows, google::protobuf::RepeatedPtrField<v1::Column>* columns) {
    if (Below(6) == 0) return;
    v1::Column* column = columns->Add();
    column->set_name(feature.name);
    for (int row = 0; row < rows; ++row) {
      int count = 1;
      if (feature.sequence) column->add_lengths(static_cast<uint32_t>(count = Below(4)));
      for (int i = 0; i < count; ++i) AddValue(feature, column);
      if (Below(4) == 0) column->add_missing_rows(static_cast<uint32_t>(row));
    }
  }

 private:
  void AddValue(const FeatureSpec& feature, v1::Column* column) {
    if (feature.personal || feature.type == ValueType::kInt64) {
      column->add_ints(static_cast<int64_t>(random_()));
    } else if (feature.type == ValueType::kFloat) {
      const float values[] = {-0.0f, std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max(), 0.1f};
      column->add_floats(values[Below(4)]);
    } else {
      const char* const values[] = {"", "\xc3\xa9t\xc3\xa9", "a longer string than fits within a string object", "x"};
      column->add_strings(values[Below(4)]);
    }
  }

  std::mt19937_64 random_;
};

// One row of a column, as bytes; "none" where the row has no value, "left out" where there is no column.
std::string RowBytes(const TableView& table, const std::string& name, uint32_t row) {
  const ColumnView* column = table.Find(name);
  if (column == nullptr) return "missing";
  size_t begin = row, count = 1;
  if (!column->lengths.empty()) {
    begin = 0;
    for (uint32_t r = 0; r < row; ++r) begin += column->lengths[r];
    count = column->lengths[row];
  }
  std::string bytes;
  for (size_t i = begin; i < begin + count; ++i) {
    if (!column->ints.empty()) bytes.append(reinterpret_cast<const char*>(&column->ints[i]), sizeof(int64_t));
    if (!column->floats.empty()) bytes.append(reinterpret_cast<const char*>(&column->floats[i]), sizeof(float));
    if (!column->strings.empty()) absl::StrAppend(&bytes, column->strings[i].size(), ":", column->strings[i]);
  }
  const bool missing = std::find(column->missing.begin(), column->missing.end(), row) != column->missing.end();
  return missing ? "missing" : absl::StrCat("has ", count, " ", bytes);
}

// That `one`, a batch of one row, is row `row` of `batch`.
void ExpectRow(const EncodedBatch& batch, uint32_t row, const EncodedBatch& one) {
  const size_t width = one.dense.size();
  ASSERT_EQ(batch.dense.size(), width * static_cast<size_t>(batch.rows));
  EXPECT_EQ(std::memcmp(batch.dense.data() + row * width, one.dense.data(), width * sizeof(float)), 0);
  for (size_t slot = 0; slot < one.slots.size(); ++slot) {
    const SlotIds& from = batch.slots[slot];
    size_t begin = row, count = 1;
    if (!from.lengths.empty()) {
      begin = static_cast<size_t>(std::accumulate(from.lengths.begin(), from.lengths.begin() + row, 0));
      count = static_cast<size_t>(from.lengths[row]);
    }
    EXPECT_EQ(std::vector<uint64_t>(from.ids.begin() + begin, from.ids.begin() + begin + count), one.slots[slot].ids);
  }
}

class ServedFeaturesTest : public JoinerTest {};

TEST_F(ServedFeaturesTest, EveryValueOfEveryTypeIsLearnedAsItWasScored) {
  Filler filler(1);
  const SceneSpec& scene = spec_->scenes()[0];
  std::map<std::string, v1::RememberedRequest> requests;
  std::vector<Label> labels;
  for (int i = 0; i < 60; ++i) {
    const int rows = 1 + filler.Below(5);
    v1::RememberedRequest request = Request(rows);
    request.clear_context();
    request.clear_candidates();
    for (size_t f = 0; f < spec_->features().size(); ++f) {
      const FeatureSpec& feature = spec_->features()[f];
      if (!scene.has_feature[f]) continue;
      filler.Fill(feature, feature.candidate ? rows : 1,
                  feature.candidate ? request.mutable_candidates() : request.mutable_context());
    }
    const std::string id = absl::StrCat("r", i);
    ASSERT_TRUE(TryRemember(id, request).ok());
    requests[id] = request;
    for (int row = 0; row < rows; ++row) labels.emplace_back(id, row, "click", static_cast<float>(row % 2));
  }
  std::shuffle(labels.begin(), labels.end(), std::mt19937_64(2));
  Send(labels);

  ASSERT_EQ(Records().size(), 1);
  const v1::LogRecord record = Records()[0];
  const absl::StatusOr<DecodedExamples> examples = DecodeEvents(record.events());
  ASSERT_TRUE(examples.ok());
  ASSERT_EQ(record.events().rows(), labels.size());
  for (uint32_t row = 0; row < record.events().rows(); ++row) {
    const int at = static_cast<int>(row);
    const v1::RememberedRequest& request = requests[record.joined().request_ids(record.joined().request(at))];
    const uint32_t source = record.joined().row(at);
    const absl::StatusOr<DecodedTable> context = DecodeTable(request.context(), 1);
    const absl::StatusOr<DecodedTable> candidates = DecodeTable(request.candidates(), request.rows());
    for (size_t f = 0; f < spec_->features().size(); ++f) {
      const FeatureSpec& feature = spec_->features()[f];
      const std::string scored = feature.candidate ? RowBytes(candidates->view, feature.name, source)
                                                   : RowBytes(context->view, feature.name, 0);
      EXPECT_EQ(RowBytes(examples->view.features, feature.name, row), scored) << feature.name << ", row " << row;
    }
    // And so the network is given what it was given then.
    FeatureEncoder encoder(spec_, HashKey());
    const FeatureStatistics statistics(spec_->statistics_count());
    EncodedBatch then, now;
    encoder.AppendRequest(statistics, 0, context->view, candidates->view, then);
    encoder.AppendRows(statistics, 0, examples->view.features, row, row + 1, now);
    ExpectRow(then, source, now);
    EXPECT_EQ(record.joined().served(0).values(at), request.served(0).values(static_cast<int>(source)));
  }
}

TEST_F(ServedFeaturesTest, ScoresOfTasksThatWereNotAskedForAreMissing) {
  Remember("all", 1);
  v1::RememberedRequest other = Request(2);
  other.clear_served();
  v1::ServedScores* demand = other.add_served();
  demand->set_task("demand");
  for (const float value : {1.0f, 2.0f, 3.0f, 4.0f}) demand->add_values(value);
  ASSERT_TRUE(TryRemember("demand", other).ok());
  Send({{"demand", 1, "click", 1}, {"all", 0, "click", 1}});
  const v1::JoinedRows joined = Records()[0].joined();
  EXPECT_EQ(joined.served(0).task(), "demand");
  EXPECT_THAT(joined.served(0).values(), testing::ElementsAre(3, 4, 0, 0));
  EXPECT_THAT(joined.served(0).missing_rows(), testing::ElementsAre(1));
  EXPECT_EQ(joined.served(1).task(), "click");
  EXPECT_THAT(joined.served(1).missing_rows(), testing::ElementsAre(0));
}

TEST_F(ServedFeaturesTest, ATableIsEncodedAsItWasDecoded) {
  Filler filler(3);
  for (int i = 0; i < 50; ++i) {
    google::protobuf::RepeatedPtrField<v1::Column> columns, again;
    for (const FeatureSpec& feature : spec_->features()) filler.Fill(feature, 4, &columns);
    EncodeTable(DecodeTable(columns, 4)->view, &again);
    ASSERT_EQ(columns.size(), again.size());
    for (int c = 0; c < columns.size(); ++c) {
      EXPECT_EQ(columns[c].SerializeAsString(), again[c].SerializeAsString());
    }
  }
}

}  // namespace
}  // namespace polyscene
