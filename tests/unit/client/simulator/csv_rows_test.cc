#include "client/simulator/csv_rows.h"

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "client/simulator/event_tables.h"
#include "client/simulator/simulator.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/data/event_reader.h"
#include "model/spec/model_spec.h"

namespace polyscene::simulator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CsvRowsTest, WritesEachFieldAsReadersExpectIt) {
  SimulatedRow row;
  row.scene = Scene::kSearch;
  row.request = 12;
  row.time_seconds = kFirstSecond + 3661;
  row.user_id = 100000001;
  row.query = 1;
  row.recent_count = 2;
  row.recent_items = {0, 2};
  row.recent_categories = {0, 1};
  row.item_id = 500013;
  row.price_cents = 1205;
  row.text_score_hundredths = -7;
  row.click = 1;
  row.purchase = 0;
  row.demand = {1, 2, 3, 4, 5, 6, 7};
  row.click_probability = 0.25f;
  row.purchase_probability = 0.0625f;

  std::string header, line;
  AppendCsvHeader({.truth = true}, header);
  AppendCsvRow({.truth = true}, row, line);

  const std::vector<std::string> names = absl::StrSplit(header.substr(0, header.size() - 1), ',');
  const std::vector<std::string> fields = absl::StrSplit(line.substr(0, line.size() - 1), ',');
  ASSERT_EQ(names.size(), fields.size());
  std::map<std::string, std::string> by_name;
  for (size_t i = 0; i < names.size(); ++i) by_name[names[i]] = fields[i];
  EXPECT_EQ(by_name["event_time"], "2026-01-05T01:01:01Z");
  EXPECT_EQ(by_name["scene"], "search");
  EXPECT_EQ(by_name["request_id"], "r12");
  EXPECT_EQ(by_name["user_id"], "100000001");
  EXPECT_EQ(by_name["average_order"], "");
  EXPECT_EQ(by_name["query"], "cheap novel");
  EXPECT_EQ(by_name["recent_clicks"], "500000|500026");
  EXPECT_EQ(by_name["recent_categories"], "books|fashion");
  EXPECT_EQ(by_name["price"], "12.05");
  EXPECT_EQ(by_name["text_score"], "-0.07");
  EXPECT_EQ(by_name["click"], "1");
  EXPECT_EQ(by_name["spend"], "");
  EXPECT_EQ(by_name["demand_7"], "7");
  EXPECT_EQ(by_name["churn"], "");
  EXPECT_EQ(by_name["p_click"], "0.250000");
  EXPECT_EQ(by_name["p_purchase"], "0.062500");
  EXPECT_EQ(by_name["p_churn"], "");
}

TEST(CsvRowsTest, LeavesLabelsAndTruthOutWhereNotAskedFor) {
  std::string header;
  AppendCsvHeader({.labels = false}, header);
  EXPECT_THAT(header, Not(HasSubstr("click,purchase")));
  EXPECT_THAT(header, Not(HasSubstr("p_click")));
  EXPECT_THAT(header, HasSubstr(",text_score\n"));
}

// Writes simulated rows to a file, reads them with the marketplace's model file, and gathers the same rows for a
// stream.
class FileAndStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto spec = ModelSpec::Load(POLYSCENE_MARKETPLACE_MODEL);
    ASSERT_TRUE(spec.ok()) << spec.status();
    spec_ = *spec;
    auto model = MarketplaceModel::Of(spec_->file());
    ASSERT_TRUE(model.ok()) << model.status();

    std::string csv;
    AppendCsvHeader({.truth = true}, csv);
    EventTables tables(*std::move(model));
    Simulator simulator({.rows = 3000});
    std::vector<SimulatedRow> rows;
    while (simulator.Next(rows)) {
      for (const SimulatedRow& row : rows) {
        AppendCsvRow({.truth = true}, row, csv);
        tables.Add(row);
      }
    }
    streamed_ = tables.Take();
    path_ = ::testing::TempDir() + "/marketplace.csv";
    std::ofstream(path_) << csv;

    EventReaderOptions options;
    options.batch_rows = options.window_rows = 10'000;  // One batch a scene, as EventTables has it.
    options.on_rejected = [](const RejectedLine& line) { ADD_FAILURE() << line.line << ": " << line.message; };
    auto reader = EventReader::Open(path_, spec_->file(), options);
    ASSERT_TRUE(reader.ok()) << reader.status();
    EventTable table;
    for (auto more = (*reader)->Next(&table); more.ok() && *more; more = (*reader)->Next(&table)) {
      read_[table.scene] = std::move(table);
    }
  }

  void TearDown() override { std::remove(path_.c_str()); }

  std::shared_ptr<const ModelSpec> spec_;
  std::string path_;
  std::vector<EventTable> streamed_;
  std::map<std::string, EventTable> read_;
};

TEST_F(FileAndStreamTest, AFileHoldsWhatAStreamSends) {
  ASSERT_EQ(streamed_.size(), 3u);
  int64_t rows = 0;
  for (const EventTable& sent : streamed_) {
    const EventTable& read = read_[sent.scene];
    ASSERT_EQ(read.rows(), sent.rows()) << sent.scene;
    rows += sent.rows();
    EXPECT_EQ(read.event_times_micros, sent.event_times_micros);
    const TableView read_features = read.features.View(), sent_features = sent.features.View();
    for (const ColumnView& expected : sent_features.columns) {
      const ColumnView* column = read_features.Find(expected.name);
      ASSERT_NE(column, nullptr) << expected.name;
      EXPECT_EQ(column->type, expected.type) << expected.name;
      EXPECT_EQ(column->missing, expected.missing) << expected.name;
      EXPECT_EQ(column->lengths, expected.lengths) << expected.name;
      EXPECT_EQ(column->ints, expected.ints) << expected.name;
      EXPECT_EQ(column->floats, expected.floats) << expected.name;
      EXPECT_EQ(column->strings, expected.strings) << expected.name;
    }
    ASSERT_EQ(read.labels.size(), sent.labels.size());
    for (size_t t = 0; t < sent.labels.size(); ++t) {
      EXPECT_EQ(read.labels[t].task, sent.labels[t].task);
      EXPECT_EQ(read.labels[t].outputs, sent.labels[t].outputs);
      EXPECT_EQ(read.labels[t].values, sent.labels[t].values) << sent.labels[t].task;
      EXPECT_EQ(read.labels[t].missing, sent.labels[t].missing) << sent.labels[t].task;
    }
  }
  EXPECT_EQ(rows, 3000);
}

TEST_F(FileAndStreamTest, EveryLabelIsInItsTasksRange) {
  for (const EventTable& sent : streamed_) {
    for (const EventTable::Labels& labels : sent.labels) {
      const TaskSpec& task = spec_->tasks()[spec_->FindTask(labels.task)];
      ASSERT_EQ(static_cast<int64_t>(labels.values.size()), sent.rows() * task.label_width);
      for (const float value : labels.values) {
        EXPECT_GE(value, 0) << labels.task;
        if (task.kind == TaskSpec::Kind::kBinary) {
          EXPECT_TRUE(value == 0 || value == 1) << labels.task;
        } else if (task.kind == TaskSpec::Kind::kMultiClass) {
          EXPECT_LT(value, task.outputs) << labels.task;
        }
      }
    }
  }
}

}  // namespace
}  // namespace polyscene::simulator
