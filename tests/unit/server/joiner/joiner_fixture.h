// A joiner on a log in a directory of the test's own, with a clock that the test moves.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "model/spec/model_spec.h"
#include "server/eventlog/rocks_event_log.h"
#include "server/joiner/joiner.h"
#include "tests/support/failing_disk.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_directory.h"

namespace polyscene {

// Scene "shop" ranks candidates: context `user` (STRING, personal) and `recent` (a sequence of INT64), candidates
// `item` (INT64), `price` (FLOAT), `brand` (STRING), `tags` (a sequence of STRING). Tasks `click` (binary, window 100
// s, a negative after 10 s), `buy` (binary, window 1,000 s), `spend` (regression, window 1,000 s), `demand` (forecast
// of 2, window 500 s). Scene "churn" scores context rows: `user`, `visits` (FLOAT); task `buy`.
// shop_feature: one more feature of `shop`, its name and then the rest of its text.
std::shared_ptr<const ModelSpec> JoinerModel(const std::string& shop_feature = "");

// One row of the log that the joiner made, its features left out.
struct LoggedRow {
  std::string request;
  uint32_t row = 0;
  std::string labels;  // "click=1 spend=2.5", in the order of the model file.
  float weight = 1;
  bool correction = false;
};
bool operator==(const LoggedRow& a, const LoggedRow& b);
std::ostream& operator<<(std::ostream& out, const LoggedRow& row);

class JoinerTest : public testing::Test {
 protected:
  explicit JoinerTest(std::shared_ptr<const ModelSpec> spec = JoinerModel());
  void SetUp() override { Open(); }

  void Open();  // Again: as after the end of the process.

  // What Predict would hand over: `rows` candidates 100, 101, ... Event time 0: now.
  v1::RememberedRequest Request(int rows, int64_t event_seconds = 0) const;
  RequestToRemember ToRemember(const std::string& id, v1::RememberedRequest request) const;
  absl::Status TryRemember(const std::string& id, v1::RememberedRequest request);
  void Remember(const std::string& id, int rows, int64_t event_seconds = 0);

  // Rows of labels: request, row, task, value. One row each; the same row of two tasks is two rows.
  using Label = std::tuple<std::string, uint32_t, std::string, float>;
  static v1::LabelBatch Batch(const std::vector<Label>& labels, std::vector<int64_t> seconds = {});
  absl::StatusOr<Appended> TrySend(const std::string& producer, v1::LabelBatch batch);
  Appended Send(const std::string& producer, v1::LabelBatch batch);
  Appended Send(const std::vector<Label>& labels) { return Send("p", Batch(labels)); }
  Appended Expose(const std::string& id, std::vector<uint32_t> rows, std::vector<uint32_t> positions = {},
                  int64_t seconds = 0);
  absl::StatusOr<Appended> Join(JoinInput input);
  void Sweep();  // Until nothing is due.

  std::vector<v1::LogRecord> Records(uint64_t from = 0);
  std::vector<LoggedRow> Rows(uint64_t from = 0);  // Of all records, in order.
  std::vector<LoggedRow> NewRows();                // Since the last call.
  JoinerCounts Counts() const { return metrics_->joiner_counts(); }
  JoinerHoldings Holdings() const { return metrics_->joiner_holdings(); }

  const std::shared_ptr<const ModelSpec> spec_;
  TempDirectory directory_;
  FailingDisk disk_;  // Outlives the log.
  FakeClock clock_;
  int64_t max_remembered_bytes_ = int64_t{1} << 30;
  absl::Duration label_wait_ = absl::Seconds(60);
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Joiner> joiner_;
  std::unique_ptr<EventLog> log_;
  uint64_t read_ = 0;  // By NewRows().
};

// Reasons of the refused rows, by row.
std::vector<std::pair<uint32_t, std::string>> Refused(const Appended& appended);

}  // namespace polyscene
