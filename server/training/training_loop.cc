#include "server/training/training_loop.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "model/fault/fault_point.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

// A trainer that has caught up publishes at once, for freshness, but this much of the interval apart at least: with a
// trickle of events every row would cost a publish otherwise.
constexpr double kPromptShare = 0.1;

constexpr absl::Duration kFullDiskRest = absl::Seconds(1);

}  // namespace

absl::StatusOr<std::unique_ptr<TrainingLoop>> TrainingLoop::Create(TrainerParts parts, LoadedLearner learner,
                                                                   TrainerOptions options,
                                                                   std::function<void()> checkpoint_done) {
  const CheckpointFolder checkpoints(options.checkpoint_directory);
  if (absl::Status status = checkpoints.Prepare(); !status.ok()) return status;
  absl::StatusOr<std::vector<uint64_t>> offsets = checkpoints.Offsets();
  if (!offsets.ok()) return offsets.status();
  absl::StatusOr<StepFormer> steps =
      StepFormer::Create(parts.spec, *parts.log, learner.log_offset, options.step_rows, options.step_wait);
  if (absl::IsOutOfRange(steps.status())) {
    return absl::DataLossError(absl::StrCat("learning cannot go on from offset ", learner.log_offset, ": ",
                                            steps.status().message(), "; is a checkpoint or the log missing?"));
  }
  if (!steps.ok()) return steps.status();

  const uint64_t begin = learner.log_offset;
  const bool checkpointed = std::binary_search(offsets->begin(), offsets->end(), begin);
  std::unique_ptr<TrainingLoop> loop(
      new TrainingLoop(std::move(parts), std::move(learner), std::move(options), *std::move(steps),
                       checkpointed ? std::optional<uint64_t>(begin) : std::nullopt, std::move(checkpoint_done)));
  if (absl::Status status = loop->Publish(); !status.ok()) return status;
  loop->parts_.metrics->TrainerHealthy(true);
  loop->parts_.metrics->LearnedOffset(begin);
  loop->parts_.metrics->LogEndOffset(loop->parts_.log->end_offset());
  return loop;
}

TrainingLoop::TrainingLoop(TrainerParts parts, LoadedLearner learner, TrainerOptions options, StepFormer steps,
                           std::optional<uint64_t> newest_checkpoint, std::function<void()> checkpoint_done)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      learner_(std::move(learner.learner)),
      steps_(std::move(steps)),
      versions_(*parts_.log),
      published_at_(parts_.clock->Now()),
      checkpoints_({parts_.log, parts_.metrics, parts_.clock}, options_, newest_checkpoint,
                   std::move(checkpoint_done)) {}

absl::StatusOr<TrainingLoop::Rest> TrainingLoop::Turn() {
  auto work = steps_.Next(parts_.clock->Now());
  if (!work.ok()) return work.status();
  const bool worked = !std::holds_alternative<std::monostate>(*work);
  if (const FormedStep* step = std::get_if<FormedStep>(&*work)) {
    absl::StatusOr<bool> learned = Learn(*step);
    if (!learned.ok()) return learned.status();
    if (!*learned) return Rest{kFullDiskRest, /*until_rows=*/false};
  } else if (const FormedOpening* opening = std::get_if<FormedOpening>(&*work)) {
    learner_->OpenEvaluation(opening->producer, opening->from_micros);
    steps_.Advance(opening->end);
    parts_.metrics->LearnedOffset(opening->end);
  }

  DoWhatIsDue();
  if (worked) return Rest{absl::ZeroDuration()};
  const absl::Time next = std::min({steps_.due(), PublishDue(), checkpoints_.Due(steps_.begin())});
  return Rest{std::max(next - parts_.clock->Now(), absl::ZeroDuration())};
}

TrainingLoop::Rest TrainingLoop::IdleTurn() {
  DoWhatIsDue();
  const absl::Time next = std::min(PublishDue(), checkpoints_.Due(steps_.begin()));
  return Rest{std::max(next - parts_.clock->Now(), absl::ZeroDuration()), /*until_rows=*/false};
}

void TrainingLoop::DoWhatIsDue() {
  published_at_ = std::min(published_at_, parts_.clock->Now());         // A clock that was set back puts nothing off.
  if (parts_.clock->Now() >= PublishDue()) TryPublish().IgnoreError();  // Logged; tried again.
  checkpoints_.Tend(*learner_, steps_.begin());
}

absl::StatusOr<bool> TrainingLoop::Learn(const FormedStep& step) {
  if (!step.journaled) {
    FaultPoint("journal.write");
    const absl::Status journaled = parts_.log->JournalStep(step.begin, step.end);
    if (absl::IsResourceExhausted(journaled)) {
      LogWarning(absl::StrCat("learning waits at offset ", step.begin, ": ", journaled.message()));
      return false;
    }
    if (!journaled.ok()) return journaled;
    FaultPoint("journal.written");
  }
  if (step.slices.empty()) {  // Nothing of it means anything to this model file.
    steps_.Advance(step.end);
    parts_.metrics->LearnedOffset(step.end);
    return true;
  }
  absl::StatusOr<StepReport> report = learner_->Step(step.slices);
  if (!report.ok()) {
    return absl::Status(report.status().code(), absl::StrCat("step from offset ", step.begin, " to ", step.end, ": ",
                                                             report.status().message()));
  }
  FaultPoint("step.learned");
  if (report->passed_over) {
    LogWarning(absl::StrCat("step from offset ", step.begin, " to ", step.end,
                            " is passed over: its loss or gradient is not finite"));
  }
  CountLearned(step);
  steps_.Advance(step.end);
  return true;
}

void TrainingLoop::CountLearned(const FormedStep& step) {
  for (const StepPart& part : step.parts) {
    parts_.metrics->EventsLearned(part.scene, part.rows);
    if (step.journaled) continue;  // Learned before, so its freshness was, too.
    if (!fresh_.empty() && fresh_.back().accepted_at == part.accepted_at) {
      fresh_.back().rows += part.rows;
    } else {
      fresh_.push_back(part);
    }
  }
  parts_.metrics->LearnedOffset(step.end);
}

absl::Time TrainingLoop::PublishDue() const {
  if (!news()) return absl::InfiniteFuture();
  const bool caught_up = steps_.begin() >= parts_.log->end_offset();
  return published_at_ + options_.publish_interval * (caught_up ? kPromptShare : 1.0);
}

absl::Status TrainingLoop::PublishIfNews() { return news() ? TryPublish() : absl::OkStatus(); }

absl::Status TrainingLoop::TryPublish() {
  const absl::Status status = Publish();
  if (!status.ok()) {
    parts_.metrics->PublishFailed();
    LogError(absl::StrCat("publish at offset ", steps_.begin(), " failed: ", status.message(), "; version ",
                          served_version_, " stays served"));
  }
  return status;
}

absl::Status TrainingLoop::Publish() {
  const absl::Time start = parts_.clock->Now();
  published_at_ = start;
  FaultPoint("publish.reserve");
  absl::StatusOr<uint64_t> version = versions_.Next();
  if (!version.ok()) return version.status();
  absl::StatusOr<std::shared_ptr<const Snapshot>> snapshot = learner_->MakeSnapshot(*version, steps_.begin());
  if (!snapshot.ok()) return snapshot.status();
  FaultPoint("publish.swap");
  if (absl::Status status = parts_.snapshots->Publish(*std::move(snapshot)); !status.ok()) return status;
  FaultPoint("publish.swapped");
  const absl::Time served_at = parts_.clock->Now();
  served_offset_ = steps_.begin();
  served_version_ = *version;
  CountFreshness(served_at);
  parts_.metrics->Published(served_at - start, *version);

  auto report = std::make_shared<LearningReport>();
  report->recent = learner_->RecentEvaluation();
  report->fading = learner_->FadingFigures();
  report->opened = learner_->OpenedEvaluations();
  report->recent_served = learner_->RecentServed();
  report->opened_served = learner_->OpenedServed();
  report->balance = learner_->balance();
  report->drift = learner_->drift();
  report->tables = learner_->tables();
  report->table_bytes = learner_->table_bytes();
  parts_.metrics->RecentEvaluation(report->recent);
  parts_.metrics->FadingEvaluation(report->fading);
  parts_.metrics->Balance(report->balance);
  parts_.metrics->Drift(report->drift);
  LogDriftAlarms(report->drift);
  parts_.metrics->Tables(report->tables, report->table_bytes);
  parts_.metrics->LogEndOffset(parts_.log->end_offset());
  report_ = std::move(report);
  return absl::OkStatus();
}

void TrainingLoop::LogDriftAlarms(const std::vector<DriftFigure>& now) const {
  const std::vector<DriftFigure>* before = report_ == nullptr ? nullptr : &report_->drift;
  for (size_t i = 0; i < now.size() && before != nullptr && i < before->size(); ++i) {
    if (now[i].alarms <= (*before)[i].alarms) continue;
    LogWarning(absl::StrCat("drift: the loss of task '", now[i].task, "' in scene '", now[i].scene,
                            "' has risen; alarm ", now[i].alarms, " by offset ", steps_.begin()));
  }
}

void TrainingLoop::CountFreshness(absl::Time served_at) {
  for (const StepPart& part : fresh_) {
    parts_.metrics->Freshness(std::max(served_at - part.accepted_at, absl::ZeroDuration()), part.rows);
  }
  fresh_.clear();
}

void TrainingLoop::BeginSave(CheckpointKeeper::SaveDone done) {
  if (absl::Status status = PublishIfNews(); !status.ok()) return done(status);
  checkpoints_.Want(steps_.begin(), served_version_, std::move(done));
  checkpoints_.Tend(*learner_, steps_.begin());
}

absl::StatusOr<SavedCheckpoint> TrainingLoop::Save() {
  std::optional<absl::StatusOr<SavedCheckpoint>> answer;
  BeginSave([&answer](absl::StatusOr<SavedCheckpoint> saved) { answer = std::move(saved); });
  while (!answer.has_value() && AwaitCheckpoint()) {
  }
  return answer.has_value() ? *std::move(answer) : absl::InternalError("no checkpoint was begun");
}

bool TrainingLoop::AwaitCheckpoint() { return checkpoints_.Await(*learner_, steps_.begin()); }

LearningPositions TrainingLoop::positions() const {
  const LearnerCounters counters = learner_->counters();
  LearningPositions positions;
  positions.learned_offset = steps_.begin();
  positions.served_offset = served_offset_;
  positions.checkpoint_offset = checkpoints_.newest().value_or(0);
  positions.step = counters.step;
  positions.rows_learned = counters.rows_learned;
  return positions;
}

}  // namespace polyscene
