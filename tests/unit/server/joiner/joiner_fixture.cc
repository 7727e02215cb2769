#include "tests/unit/server/joiner/joiner_fixture.h"

#include <future>

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr char kModel[] = R"(
name: "joined"
features { name: "user" side: CONTEXT type: STRING personal: true encode { hash { embedding { dimension: 4 } } } }
features {
  name: "recent" side: CONTEXT type: INT64 sequence { pooling: MEAN } encode { hash { embedding { dimension: 4 } } }
}
features { name: "visits" side: CONTEXT type: FLOAT encode { numeric {} } }
features { name: "item" side: CANDIDATE type: INT64 encode { hash { embedding { dimension: 4 } } } }
features { name: "price" side: CANDIDATE type: FLOAT encode { numeric {} } }
features { name: "brand" side: CANDIDATE type: STRING encode { hash { embedding { dimension: 4 } } } }
features {
  name: "tags" side: CANDIDATE type: STRING sequence { pooling: MEAN } encode { hash { embedding { dimension: 4 } } }
}
scenes {
  name: "shop" tasks: "click" tasks: "buy" tasks: "spend" tasks: "demand"
  features: "user" features: "recent" features: "item" features: "price" features: "brand" features: "tags"
}
scenes { name: "churn" tasks: "buy" features: "user" features: "visits" }
tasks { name: "click" binary {} attribution_window_seconds: 100 assume_negative_after_seconds: 10 }
tasks { name: "buy" binary {} attribution_window_seconds: 1000 }
tasks { name: "spend" regression {} attribution_window_seconds: 1000 }
tasks { name: "demand" forecast { horizon: 2 } attribution_window_seconds: 500 }
network { shared_bottom { hidden: 4 } }
)";

std::string DescribeLabels(const v1::EventBatch& events, int row, const ModelSpec& spec) {
  std::string text;
  for (const TaskSpec& task : spec.tasks()) {
    for (const v1::Labels& labels : events.labels()) {
      if (labels.task() != task.name) continue;
      const auto& missing = labels.missing_rows();
      if (std::find(missing.begin(), missing.end(), static_cast<uint32_t>(row)) != missing.end()) continue;
      absl::StrAppend(&text, text.empty() ? "" : " ", task.name, "=");
      for (int i = 0; i < task.label_width; ++i) {
        absl::StrAppend(&text, i > 0 ? "," : "", labels.values(row * task.label_width + i));
      }
    }
  }
  return text;
}

}  // namespace

std::shared_ptr<const ModelSpec> JoinerModel(const std::string& shop_feature) {
  std::string text = kModel;
  if (!shop_feature.empty()) {
    const std::string name = shop_feature.substr(0, shop_feature.find(' '));
    absl::StrAppend(&text, "features { name: \"", name, "\"", shop_feature.substr(name.size()), " }\n");
    const std::string tags = "features: \"tags\"";
    text.insert(text.find(tags), absl::StrCat("features: \"", name, "\" "));
  }
  absl::StatusOr<std::shared_ptr<const ModelSpec>> spec = ModelSpec::Parse(text, "joined.textproto");
  EXPECT_TRUE(spec.ok()) << spec.status();
  return *std::move(spec);
}

bool operator==(const LoggedRow& a, const LoggedRow& b) {
  return a.request == b.request && a.row == b.row && a.labels == b.labels && a.weight == b.weight &&
         a.correction == b.correction;
}

std::ostream& operator<<(std::ostream& out, const LoggedRow& row) {
  return out << "{" << row.request << "[" << row.row << "] " << row.labels << " weight " << row.weight
             << (row.correction ? " correction" : "") << "}";
}

JoinerTest::JoinerTest(std::shared_ptr<const ModelSpec> spec) : spec_(std::move(spec)) {}

void JoinerTest::Open() {
  log_.reset();
  joiner_.reset();
  metrics_ = std::make_unique<Metrics>(spec_);
  joiner_ = std::make_unique<Joiner>(JoinerOptions{spec_, label_wait_, max_remembered_bytes_}, *metrics_, clock_);
  EventLogOptions options;
  options.directory = directory_.path() / "log";
  options.joiner = joiner_.get();
  absl::StatusOr<std::unique_ptr<EventLog>> log = RocksEventLog::Open(options, disk_.env());
  ASSERT_TRUE(log.ok()) << log.status();
  log_ = *std::move(log);
}

v1::RememberedRequest JoinerTest::Request(int rows, int64_t event_seconds) const {
  v1::RememberedRequest request;
  request.set_format_version(1);
  request.set_scene("shop");
  request.set_rows(static_cast<uint32_t>(rows));
  request.set_replayed(event_seconds != 0);
  request.set_event_time_micros(event_seconds != 0 ? event_seconds * 1'000'000 : absl::ToUnixMicros(clock_.Now()));
  v1::Column* user = request.add_context();
  user->set_name("user");
  user->add_ints(7);
  v1::Column* item = request.add_candidates();
  item->set_name("item");
  for (int i = 0; i < rows; ++i) item->add_ints(100 + i);
  v1::ServedScores* served = request.add_served();
  served->set_task("click");
  for (int i = 0; i < rows; ++i) served->add_values(0.25f + static_cast<float>(i));
  return request;
}

RequestToRemember JoinerTest::ToRemember(const std::string& id, v1::RememberedRequest request) const {
  RequestToRemember remember;
  remember.request_id = id;
  remember.scene = spec_->FindScene(request.scene());
  remember.event_time_micros = request.event_time_micros();
  remember.replayed = request.replayed();
  remember.bytes = request.SerializeAsString();
  return remember;
}

absl::Status JoinerTest::TryRemember(const std::string& id, v1::RememberedRequest request) {
  JoinInput input;
  input.what = ToRemember(id, std::move(request));
  return Join(std::move(input)).status();
}

void JoinerTest::Remember(const std::string& id, int rows, int64_t event_seconds) {
  const absl::Status status = TryRemember(id, Request(rows, event_seconds));
  ASSERT_TRUE(status.ok()) << status;
}

v1::LabelBatch JoinerTest::Batch(const std::vector<Label>& labels, std::vector<int64_t> seconds) {
  v1::LabelBatch batch;
  std::vector<std::string> tasks;
  for (const auto& [id, row, task, value] : labels) {
    batch.add_request(static_cast<uint32_t>(batch.request_ids_size()));
    batch.add_request_ids(id);
    batch.add_row(row);
    if (std::find(tasks.begin(), tasks.end(), task) == tasks.end()) tasks.push_back(task);
  }
  for (const std::string& task : tasks) {
    v1::Labels* out = batch.add_labels();
    out->set_task(task);
    for (size_t i = 0; i < labels.size(); ++i) {
      const bool has = std::get<2>(labels[i]) == task;
      out->add_values(has ? std::get<3>(labels[i]) : 0);
      if (!has) out->add_missing_rows(static_cast<uint32_t>(i));
    }
  }
  for (const int64_t second : seconds) batch.add_label_times_micros(second * 1'000'000);
  return batch;
}

absl::StatusOr<Appended> JoinerTest::TrySend(const std::string& producer, v1::LabelBatch batch) {
  if (batch.sequence() == 0) batch.set_sequence(log_->WatermarkOf(producer, 0, 0).logged() + 1);
  JoinInput input;
  input.producer_id = producer;
  input.what = std::move(batch);
  return Join(std::move(input));
}

Appended JoinerTest::Send(const std::string& producer, v1::LabelBatch batch) {
  absl::StatusOr<Appended> appended = TrySend(producer, std::move(batch));
  EXPECT_TRUE(appended.ok()) << appended.status();
  return appended.ok() ? *std::move(appended) : Appended();
}

Appended JoinerTest::Expose(const std::string& id, std::vector<uint32_t> rows, std::vector<uint32_t> positions,
                            int64_t seconds) {
  v1::ExposureBatch batch;
  batch.set_sequence(log_->WatermarkOf("shown", 0, 0).logged() + 1);
  v1::Exposure* exposure = batch.add_exposures();
  exposure->set_request_id(id);
  exposure->mutable_rows()->Add(rows.begin(), rows.end());
  exposure->mutable_positions()->Add(positions.begin(), positions.end());
  exposure->set_time_micros(seconds * 1'000'000);
  JoinInput input;
  input.producer_id = "shown";
  input.what = std::move(batch);
  absl::StatusOr<Appended> appended = Join(std::move(input));
  EXPECT_TRUE(appended.ok()) << appended.status();
  return appended.ok() ? *std::move(appended) : Appended();
}

absl::StatusOr<Appended> JoinerTest::Join(JoinInput input) {
  std::promise<absl::StatusOr<Appended>> answer;
  log_->Join(std::move(input), [&answer](absl::StatusOr<Appended> appended) { answer.set_value(std::move(appended)); });
  return answer.get_future().get();
}

void JoinerTest::Sweep() {
  while (joiner_->SweepDue()) {
    JoinInput input;
    input.what = polyscene::Sweep();
    const absl::Status status = Join(std::move(input)).status();
    ASSERT_TRUE(status.ok()) << status;
  }
}

std::vector<v1::LogRecord> JoinerTest::Records(uint64_t from) {
  std::vector<v1::LogRecord> records;
  absl::StatusOr<std::unique_ptr<EventLog::Cursor>> cursor = log_->Read(from);
  EXPECT_TRUE(cursor.ok()) << cursor.status();
  while (cursor.ok()) {
    absl::StatusOr<std::optional<LogEntry>> entry = (*cursor)->Next();
    EXPECT_TRUE(entry.ok()) << entry.status();
    if (!entry.ok() || !entry->has_value()) break;
    records.push_back(std::move((*entry)->record));
  }
  return records;
}

std::vector<LoggedRow> JoinerTest::Rows(uint64_t from) {
  std::vector<LoggedRow> rows;
  for (const v1::LogRecord& record : Records(from)) {
    const v1::JoinedRows& joined = record.joined();
    for (int row = 0; row < static_cast<int>(record.events().rows()); ++row) {
      const auto& corrections = joined.correction_rows();
      rows.push_back(
          {joined.request_ids(static_cast<int>(joined.request(row))), joined.row(row),
           DescribeLabels(record.events(), row, *spec_),
           record.events().weights().empty() ? 1 : record.events().weights(row),
           std::find(corrections.begin(), corrections.end(), static_cast<uint32_t>(row)) != corrections.end()});
    }
  }
  return rows;
}

std::vector<LoggedRow> JoinerTest::NewRows() {
  std::vector<LoggedRow> rows = Rows(read_);
  read_ = log_->end_offset();
  return rows;
}

std::vector<std::pair<uint32_t, std::string>> Refused(const Appended& appended) {
  std::vector<std::pair<uint32_t, std::string>> refused;
  for (const RefusedRow& row : appended.refused) refused.emplace_back(row.row, std::string(row.reason));
  return refused;
}

}  // namespace polyscene
