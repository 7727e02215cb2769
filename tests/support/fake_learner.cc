#include "tests/support/fake_learner.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace polyscene {
namespace {

// FNV-1a.
std::string Checksum(const std::string& text) {
  uint64_t sum = 14695981039346656037u;
  for (const char c : text) sum = (sum ^ static_cast<uint8_t>(c)) * 1099511628211u;
  return absl::StrCat(absl::Hex(sum, absl::kZeroPad16));
}

}  // namespace

void FakeLearnerScript::FailSteps(absl::Status failure) { FailStepsAfter(0, std::move(failure)); }

void FakeLearnerScript::FailStepsAfter(int steps, absl::Status failure) {
  MutexLock lock(&mu_);
  steps_before_failure_ = steps;
  step_failure_ = std::move(failure);
}

void FakeLearnerScript::FailSnapshots(absl::Status failure) {
  MutexLock lock(&mu_);
  snapshot_failure_ = std::move(failure);
}

void FakeLearnerScript::FailCheckpoints(absl::Status failure) {
  MutexLock lock(&mu_);
  checkpoint_failure_ = std::move(failure);
}

void FakeLearnerScript::FailOneCheckpoint(absl::Status failure) {
  MutexLock lock(&mu_);
  one_checkpoint_failure_ = std::move(failure);
}

void FakeLearnerScript::HoldSteps() {
  MutexLock lock(&mu_);
  holding_ = true;
}

void FakeLearnerScript::ReleaseSteps() {
  MutexLock lock(&mu_);
  holding_ = false;
  changed_.SignalAll();
}

void FakeLearnerScript::WaitUntilHeld() {
  MutexLock lock(&mu_);
  while (!held_) changed_.Wait(&mu_);
}

void FakeLearnerScript::DuringSteps(std::function<void()> work) {
  MutexLock lock(&mu_);
  during_step_ = std::move(work);
}

absl::Status FakeLearnerScript::BeginStep() {
  MutexLock lock(&mu_);
  if (during_step_ != nullptr) during_step_();
  while (holding_) {
    held_ = true;
    changed_.SignalAll();
    changed_.Wait(&mu_);
  }
  held_ = false;
  step_niceness_ = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)));
  step_policy_ = ::sched_getscheduler(0);
  if (steps_before_failure_ == 0) return step_failure_;
  --steps_before_failure_;
  return absl::OkStatus();
}

void FakeLearnerScript::HoldCheckpoints() {
  MutexLock lock(&mu_);
  holding_checkpoints_ = true;
}

void FakeLearnerScript::ReleaseCheckpoints() {
  MutexLock lock(&mu_);
  holding_checkpoints_ = false;
  changed_.SignalAll();
}

void FakeLearnerScript::WaitUntilCheckpointHeld() {
  MutexLock lock(&mu_);
  while (!checkpoint_held_) changed_.Wait(&mu_);
}

absl::Status FakeLearnerScript::BeginWrite(uint64_t log_offset, CheckpointKind kind) {
  MutexLock lock(&mu_);
  while (holding_checkpoints_) {
    checkpoint_held_ = true;
    changed_.SignalAll();
    changed_.Wait(&mu_);
  }
  checkpoint_held_ = false;
  checkpoint_niceness_ = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)));
  if (!one_checkpoint_failure_.ok()) return std::exchange(one_checkpoint_failure_, absl::OkStatus());
  if (!checkpoint_failure_.ok()) return checkpoint_failure_;
  checkpoint_offsets_.push_back(log_offset);
  checkpoint_kinds_.push_back(kind);
  return absl::OkStatus();
}

std::vector<CheckpointKind> FakeLearnerScript::checkpoint_kinds() const {
  MutexLock lock(&mu_);
  return checkpoint_kinds_;
}

int FakeLearnerScript::checkpoint_niceness() const {
  MutexLock lock(&mu_);
  return checkpoint_niceness_;
}

int FakeLearnerScript::step_policy() const {
  MutexLock lock(&mu_);
  return step_policy_;
}

int FakeLearnerScript::step_niceness() const {
  MutexLock lock(&mu_);
  return step_niceness_;
}

std::vector<std::vector<int64_t>> FakeLearnerScript::steps() const {
  MutexLock lock(&mu_);
  return steps_;
}

std::vector<std::pair<std::string, int64_t>> FakeLearnerScript::openings() const {
  MutexLock lock(&mu_);
  return openings_;
}

std::vector<uint64_t> FakeLearnerScript::snapshot_versions() const {
  MutexLock lock(&mu_);
  return snapshot_versions_;
}

std::vector<uint64_t> FakeLearnerScript::checkpoint_offsets() const {
  MutexLock lock(&mu_);
  return checkpoint_offsets_;
}

absl::StatusOr<StepReport> FakeLearner::Step(absl::Span<const ExampleSlice> slices) {
  if (absl::Status failure = script_.BeginStep(); !failure.ok()) return failure;
  if (between_pieces_) between_pieces_();
  std::vector<int64_t> learned;
  for (const ExampleSlice& slice : slices) {
    const ColumnView* column = slice.examples->features.Find("item");
    if (column == nullptr) return absl::InternalError("rows without the column `item`");
    learned.insert(learned.end(), column->ints.begin() + slice.begin, column->ints.begin() + slice.end);
    for (auto& [producer, rows] : opened_) {
      if (producer == slice.producer) rows += slice.end - slice.begin;
    }
  }
  items_.insert(items_.end(), learned.begin(), learned.end());
  StepReport report;
  report.step = ++step_;
  report.rows = static_cast<int64_t>(learned.size());
  MutexLock lock(&script_.mu_);
  script_.steps_.push_back(std::move(learned));
  return report;
}

void FakeLearner::OpenEvaluation(absl::string_view producer, int64_t from_micros) {
  opened_.emplace_back(std::string(producer), 0);
  MutexLock lock(&script_.mu_);
  script_.openings_.emplace_back(std::string(producer), from_micros);
}

absl::StatusOr<std::shared_ptr<const Snapshot>> FakeLearner::MakeSnapshot(uint64_t version, uint64_t learned_offset) {
  MutexLock lock(&script_.mu_);
  if (!script_.snapshot_failure_.ok()) return script_.snapshot_failure_;
  script_.snapshot_versions_.push_back(version);
  SnapshotInfo info;
  info.version = version;
  info.rows_learned = items_.size();
  info.learned_offset = learned_offset;
  info.published_at = absl::Now();
  return std::make_shared<FakeSnapshot>(info, items_);
}

class FakeCheckpointJob : public CheckpointJob {
 public:
  FakeCheckpointJob(FakeLearnerScript& script, uint64_t log_offset, CheckpointKind kind, std::string text)
      : script_(script), log_offset_(log_offset), kind_(kind), text_(std::move(text)) {}

  absl::Status Write(const std::filesystem::path& directory) override {
    if (absl::Status failure = script_.BeginWrite(log_offset_, kind_); !failure.ok()) return failure;
    if (std::filesystem::exists(directory)) return absl::AlreadyExistsError(directory.string());
    std::filesystem::path temporary = directory;
    temporary += ".tmp";
    std::filesystem::create_directory(temporary);
    std::ofstream(FakeCheckpointFile(temporary)) << text_ << " " << Checksum(text_) << "\n";
    std::filesystem::rename(temporary, directory);
    return absl::OkStatus();
  }
  bool full() const override { return true; }
  uint64_t bytes_written() const override { return text_.size(); }

 private:
  FakeLearnerScript& script_;
  const uint64_t log_offset_;
  const CheckpointKind kind_;
  const std::string text_;
};

absl::StatusOr<std::unique_ptr<CheckpointJob>> FakeLearner::BeginCheckpoint(uint64_t log_offset, CheckpointKind kind) {
  if (checkpointing_) return absl::FailedPreconditionError("a checkpoint is being written already");
  checkpointing_ = true;
  std::string text = absl::StrCat(log_offset, " ", step_, " ", items_.size());
  for (const int64_t item : items_) absl::StrAppend(&text, " ", item);
  return std::make_unique<FakeCheckpointJob>(script_, log_offset, kind, std::move(text));
}

void FakeLearner::EndCheckpoint(std::unique_ptr<CheckpointJob>) { checkpointing_ = false; }

absl::StatusOr<LoadedLearner> FakeLearner::Load(FakeLearnerScript& script, const std::filesystem::path& directory) {
  std::ifstream file(FakeCheckpointFile(directory));
  std::string line;
  std::getline(file, line);
  const size_t end = line.rfind(' ');
  if (file.eof() || end == std::string::npos || line.substr(end + 1) != Checksum(line.substr(0, end))) {
    return absl::DataLossError(absl::StrCat(FakeCheckpointFile(directory).string(), " is broken"));
  }
  auto learner = std::make_unique<FakeLearner>(script);
  std::istringstream words(line);
  uint64_t log_offset = 0;
  size_t count = 0;
  words >> log_offset >> learner->step_ >> count;
  learner->items_.resize(count);
  for (int64_t& item : learner->items_) words >> item;
  return LoadedLearner{std::move(learner), log_offset};
}

LearnerCounters FakeLearner::counters() const {
  LearnerCounters counters;
  counters.step = step_;
  counters.rows_learned = items_.size();
  return counters;
}

std::vector<TableRows> FakeLearner::tables() const { return {{"item", items_.size()}}; }

BalanceFigures FakeLearner::balance() const {
  BalanceFigures figures;
  figures.task_weights = {1, 2};
  if (!items_.empty()) figures.tasks = {{3, 4}, {1, -0.5, -0.5, 1}};
  return figures;
}

std::vector<DriftFigure> FakeLearner::drift() const {
  const size_t items = items_.size();
  return {{"shop", "click", 0.25, items / 100, static_cast<int64_t>(items)}};
}

std::vector<EvaluationFigure> FakeLearner::RecentEvaluation() const {
  EvaluationFigure figure;
  figure.scene = "*";
  figure.task = "click";
  figure.metric = "auc";
  figure.value = 0.5;
  figure.rows = items_.size();
  return {figure};
}

std::vector<EvaluationFigure> FakeLearner::FadingFigures() const {
  return {{"shop", "click", "log_loss", 0.25, items_.size()}};
}

std::vector<std::pair<std::string, std::vector<EvaluationFigure>>> FakeLearner::OpenedEvaluations() const {
  std::vector<std::pair<std::string, std::vector<EvaluationFigure>>> evaluations;
  for (const auto& [producer, rows] : opened_) {
    EvaluationFigure figure;
    figure.scene = "*";
    figure.task = "click";
    figure.metric = "counts";
    figure.rows = rows;
    evaluations.push_back({producer, {figure}});
  }
  return evaluations;
}

LearnerFunctions FakeLearnerFunctions(FakeLearnerScript& script) {
  LearnerFunctions functions;
  functions.create = [&script]() -> absl::StatusOr<std::unique_ptr<Learner>> {
    return std::make_unique<FakeLearner>(script);
  };
  functions.load = [&script](const std::filesystem::path& directory) { return FakeLearner::Load(script, directory); };
  return functions;
}

std::filesystem::path FakeCheckpointFile(const std::filesystem::path& directory) { return directory / "items.txt"; }

}  // namespace polyscene
