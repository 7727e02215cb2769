// A log, a clock and a scripted learner; no thread.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/eventlog/rocks_event_log.h"
#include "server/training/training_loop.h"
#include "tests/support/failing_disk.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_learner.h"
#include "tests/support/log_records.h"
#include "tests/support/temp_directory.h"
#include "tests/support/tiny_model.h"

namespace polyscene {

// Steps of 4 rows, which wait a second for company; publishes every 10 seconds, checkpoints every 60.
class TrainingTest : public testing::Test {
 protected:
  TrainingTest() {
    options_.checkpoint_directory = directory_.path() / "checkpoints";
    options_.step_rows = 4;
    options_.step_wait = absl::Seconds(1);
    options_.publish_interval = absl::Seconds(10);
    options_.checkpoint_interval = absl::Seconds(60);
    options_.checkpoints_kept = 2;
  }

  void SetUp() override { OpenLog(); }

  void OpenLog() {
    log_.reset();
    EventLogOptions options;
    options.directory = directory_.path() / "log";
    options.retention_bytes = retention_bytes_;
    absl::StatusOr<std::unique_ptr<EventLog>> log = RocksEventLog::Open(options, disk_.env());
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }

  // Logs a batch of items first, first + 1, ... of producer "p", accepted now.
  void Log(int64_t first, int64_t count) {
    v1::LogRecord record = EventsRecord("p", ++sequence_, Items(first, count));
    record.set_accepted_at_micros(absl::ToUnixMicros(clock_.Now()));
    absl::StatusOr<Appended> appended = AppendAndWait(*log_, std::move(record));
    ASSERT_TRUE(appended.ok()) << appended.status();
  }

  void LogOpening(int64_t from_micros) {
    absl::StatusOr<Appended> appended = AppendAndWait(*log_, OpeningRecord("p", from_micros));
    ASSERT_TRUE(appended.ok()) << appended.status();
  }

  TrainerParts Parts() {
    TrainerParts parts;
    parts.spec = spec_;
    parts.log = log_.get();
    parts.snapshots = snapshots_.get();
    parts.metrics = metrics_.get();
    parts.clock = &clock_;
    parts.steady_clock = &clock_;
    return parts;
  }

  absl::StatusOr<LoadedLearner> Recover() {
    return RecoverLearner(options_.checkpoint_directory, FakeLearnerFunctions(script_), *metrics_);
  }

  const std::vector<int64_t>& ServedItems() const {
    return static_cast<const FakeSnapshot&>(*snapshots_->Current()).items();
  }

  // The value of a series with its labels, e.g. "polyscene_learned_offset"; -1 if there is none.
  double Metric(const std::string& series) const {
    const std::string text = "\n" + metrics_->Text();
    const size_t at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }

  TempDirectory directory_;
  TrainerOptions options_;
  int64_t retention_bytes_ = int64_t{1} << 30;
  const std::shared_ptr<const ModelSpec> spec_ = TinyModel();
  FakeClock clock_;
  FakeLearnerScript script_;
  FailingDisk disk_;  // Outlives the log.
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<SnapshotStore> snapshots_ = std::make_unique<SnapshotStore>();
  std::unique_ptr<Metrics> metrics_ = std::make_unique<Metrics>(spec_);
  uint64_t sequence_ = 0;
};

// With a loop whose turns the test takes.
class TrainingLoopTest : public TrainingTest {
 protected:
  // As after a restart: everything but the data directory is new.
  void Start() {
    loop_.reset();
    OpenLog();
    snapshots_ = std::make_unique<SnapshotStore>();
    metrics_ = std::make_unique<Metrics>(spec_);
    absl::StatusOr<LoadedLearner> learner = Recover();
    ASSERT_TRUE(learner.ok()) << learner.status();
    absl::StatusOr<std::unique_ptr<TrainingLoop>> loop =
        TrainingLoop::Create(Parts(), *std::move(learner), options_, [] {});
    ASSERT_TRUE(loop.ok()) << loop.status();
    loop_ = *std::move(loop);
  }

  // Takes turns until the loop rests and no checkpoint is being written, and returns how long it would rest.
  absl::Duration RunUntilRest() {
    for (;;) {
      absl::StatusOr<TrainingLoop::Rest> rest = loop_->Turn();
      EXPECT_TRUE(rest.ok()) << rest.status();
      if (!rest.ok()) return absl::ZeroDuration();
      if (rest->longest > absl::ZeroDuration() && !loop_->AwaitCheckpoint()) return rest->longest;
    }
  }

  // The same after `duration` has passed.
  absl::Duration RunAfter(absl::Duration duration) {
    clock_.Advance(duration);
    return RunUntilRest();
  }

  std::unique_ptr<TrainingLoop> loop_;
};

}  // namespace polyscene
