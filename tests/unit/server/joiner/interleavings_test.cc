// Random inputs in random orders, with restarts and full disks in between, against a simple model of what is to happen.
#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "tests/unit/server/joiner/joiner_oracle.h"

namespace polyscene {
namespace {

constexpr int kSteps = 1000;
constexpr int64_t kPast = 1'000'000;
constexpr int kShortWait = 60;
constexpr int kLongWait = 1500;  // Longer than a request is remembered: what waits meets what an earlier one left.

class InterleavingsTest : public JoinerTest, public testing::WithParamInterface<int> {
 protected:
  int Below(int bound) { return static_cast<int>(random_() % static_cast<uint64_t>(bound)); }
  bool OneIn(int count) { return Below(count) == 0; }
  // Few enough that they meet; of the past those with an odd number.
  int SomeNumber() { return Below(12) + 12 * generation_; }
  static std::string Id(int number) { return absl::StrCat("r", number); }
  int64_t Now() const { return absl::ToUnixSeconds(clock_.Now()); }
  int64_t SomeTime() { return past_ + Below(150) - 20; }

  void RememberSome() {
    const int number = SomeNumber();
    const bool replayed = number % 2 == 1;
    const uint32_t rows = 1 + static_cast<uint32_t>(Below(4));
    const int64_t event = replayed ? past_ + Below(30) : Now();
    const absl::Status status = TryRemember(Id(number), Request(static_cast<int>(rows), replayed ? event : 0));
    if (status.ok()) Check(oracle_.Remember(Id(number), rows, event, replayed), {});
  }

  void LabelSome() {
    std::vector<JoinerOracle::LabelRow> rows(1 + static_cast<size_t>(Below(4)));
    v1::LabelBatch batch;
    const bool timed = OneIn(2), weighted = OneIn(2);
    for (const char* task : {"click", "buy", "spend"}) batch.add_labels()->set_task(task);
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i].request = Id(SomeNumber());
      rows[i].row = static_cast<uint32_t>(Below(4));
      batch.add_request(static_cast<uint32_t>(i));
      batch.add_request_ids(rows[i].request);
      batch.add_row(rows[i].row);
      for (v1::Labels& labels : *batch.mutable_labels()) {
        const float value = static_cast<float>(Below(2));
        labels.add_values(value);
        if (OneIn(2)) {
          labels.add_missing_rows(static_cast<uint32_t>(i));
        } else {
          rows[i].labels[labels.task()] = value;
        }
      }
      if (timed) rows[i].time = SomeTime();
      if (timed) batch.add_label_times_micros(*rows[i].time * 1'000'000);
      if (weighted) rows[i].weight = static_cast<float>(Below(3));
      if (weighted) batch.add_weights(rows[i].weight);
    }
    const absl::StatusOr<Appended> appended = TrySend(OneIn(2) ? "p" : "q", std::move(batch));
    if (appended.ok()) Check(oracle_.Labels(rows), Refused(*appended));
  }

  void ExposeSome() {
    JoinerOracle::ExposureRows exposure;
    exposure.request = Id(SomeNumber());
    for (uint32_t row = 0; row < 4; ++row) {
      if (OneIn(2)) exposure.rows.push_back(row);
    }
    if (exposure.rows.empty()) return;
    std::shuffle(exposure.rows.begin(), exposure.rows.end(), random_);
    if (OneIn(2)) exposure.time = SomeTime();
    v1::ExposureBatch batch;
    batch.set_sequence(log_->WatermarkOf("shown", 0, 0).logged() + 1);
    v1::Exposure* out = batch.add_exposures();
    out->set_request_id(exposure.request);
    out->mutable_rows()->Add(exposure.rows.begin(), exposure.rows.end());
    out->set_time_micros(exposure.time.value_or(0) * 1'000'000);
    JoinInput input;
    input.producer_id = "shown";
    input.what = std::move(batch);
    const absl::StatusOr<Appended> appended = Join(std::move(input));
    if (appended.ok()) Check(oracle_.Expose(exposure), Refused(*appended));
  }

  void SweepAll() {
    Sweep();
    Check(oracle_.Sweep(), {});
  }

  // Compares what was logged since the last time; within one operation the order of rows is the joiner's own.
  void Check(const JoinerOracle::Outcome& expected, const std::vector<std::pair<uint32_t, std::string>>& refused) {
    const auto sorted = [](std::vector<LoggedRow> rows) {
      std::vector<std::string> text;
      for (const LoggedRow& row : rows) {
        text.push_back(absl::StrCat(row.request, "[", row.row, "] ", row.labels, " ", row.weight, row.correction));
      }
      std::sort(text.begin(), text.end());
      return text;
    };
    EXPECT_EQ(sorted(NewRows()), sorted(expected.logged)) << "step " << step_;
    EXPECT_EQ(refused, expected.refused) << "step " << step_;
    EXPECT_EQ(Holdings().requests, oracle_.requests()) << "step " << step_;
    EXPECT_EQ(Holdings().waiting_rows, oracle_.waiting_rows()) << "step " << step_;
  }

  void SetLabelWait(int seconds) {
    label_wait_ = absl::Seconds(seconds);
    oracle_.SetLabelWait(seconds);
  }

  void Step() {
    oracle_.SetClock(Now());
    const int what = Below(100);
    if (what < 20) {
      RememberSome();
    } else if (what < 60) {
      LabelSome();
    } else if (what < 75) {
      ExposeSome();
    } else if (what < 85) {
      SweepAll();
    } else if (what < 97) {
      clock_.Advance(absl::Seconds(OneIn(20) ? 500 : 1 + Below(20)));
      past_ += OneIn(8) ? 400 : Below(8);
      if (OneIn(40)) ++generation_;
    } else if (what < 98) {
      disk_.Fail(FailingDisk::Failure::kNoSpace);
      LabelSome();  // None of these leaves anything.
      RememberSome();
      ExposeSome();
      disk_.Fail(FailingDisk::Failure::kNone);
    } else if (OneIn(6)) {
      if (!long_wait_) SetLabelWait(OneIn(2) ? kShortWait : kShortWait / 3);
      Open();
    }
  }

  const bool long_wait_ = GetParam() % 2 == 0;
  std::mt19937_64 random_;
  JoinerOracle oracle_{kShortWait};
  int64_t past_ = kPast;
  int generation_ = 0;
  int step_ = 0;
};

TEST_P(InterleavingsTest, EveryInputDoesWhatTheSimpleModelSays) {
  random_.seed(static_cast<uint64_t>(GetParam()));
  SetLabelWait(long_wait_ ? kLongWait : kShortWait);
  Open();
  for (step_ = 0; step_ < kSteps && !HasFailure(); ++step_) Step();
  oracle_.SetClock(Now());
  clock_.Advance(absl::Hours(1));
  oracle_.SetClock(Now());
  SweepAll();
  EXPECT_GT(oracle_.corrected, 10u);
  EXPECT_GT(oracle_.repeated, 10u);
  EXPECT_GT(oracle_.assumed, 10u);
  EXPECT_GT(oracle_.expired, 10u);
  if (long_wait_) {
    EXPECT_GT(oracle_.waited_again, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, InterleavingsTest, testing::Range(1, 7));

}  // namespace
}  // namespace polyscene
