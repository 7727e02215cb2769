#include "server/training/trainer.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

constexpr int kOnlyWhereIdle = 19;

// Of the calling thread: on Linux niceness is a thread's, and threads it starts inherit it. The highest one is Linux's
// idle class. Measured by serving_first_bench: beside a trainer of niceness 10 that learned flat out callers' p99 was
// 1.76 times the paused one, and it got 49 % of the idle cycles; in the idle class 1.33 and 1.41 times, and 62 %.
void SetNiceness(int niceness) {
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  const sched_param none{};
  const bool set = ::setpriority(PRIO_PROCESS, thread, niceness) == 0 &&
                   (niceness < kOnlyWhereIdle || ::sched_setscheduler(0, SCHED_IDLE, &none) == 0);
  if (!set) LogWarning(absl::StrCat("trainer_nice ", niceness, " cannot be set: ", std::strerror(errno)));
}

absl::Status Stopped() { return absl::UnavailableError("the trainer has stopped"); }

}  // namespace

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Start(TrainerParts parts, LoadedLearner learner,
                                                        TrainerOptions options) {
  std::unique_ptr<Trainer> trainer(new Trainer(parts, options));
  learner.learner->CallBetweenPieces([trainer = trainer.get()] { trainer->pace_.StandBack(); });
  absl::StatusOr<std::unique_ptr<TrainingLoop>> loop =
      TrainingLoop::Create(std::move(parts), std::move(learner), std::move(options),
                           [trainer = trainer.get()] { trainer->CheckpointDone(); });
  if (!loop.ok()) return loop.status();
  trainer->loop_ = *std::move(loop);
  trainer->Tell();
  trainer->thread_ = std::thread([trainer = trainer.get()] { trainer->Run(); });
  return trainer;
}

Trainer::~Trainer() { Stop(); }

void Trainer::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
    called_.SignalAll();
  }
  parts_.log->WakeReaders();
  if (thread_.joinable()) thread_.join();
}

LearningPositions Trainer::Positions() const {
  MutexLock lock(&mu_);
  return positions_;
}

LearningPositions Trainer::WaitForChange(const LearningPositions& seen, absl::Duration timeout) const {
  const absl::Time deadline = absl::Now() + timeout;
  MutexLock lock(&mu_);
  while (!ended_ && positions_.learned_offset <= seen.learned_offset &&
         positions_.served_offset <= seen.served_offset) {
    const absl::Duration left = std::min(timeout, deadline - absl::Now());
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitWithTimeout(&mu_, left);
  }
  return positions_;
}

std::shared_ptr<const LearningReport> Trainer::Report() const {
  MutexLock lock(&mu_);
  return report_;
}

absl::Status Trainer::health() const {
  MutexLock lock(&mu_);
  return health_;
}

absl::Status Trainer::saved() const {
  MutexLock lock(&mu_);
  return saved_;
}

absl::StatusOr<SavedCheckpoint> Trainer::SaveCheckpoint() {
  auto request = std::make_shared<SaveRequest>();
  {
    MutexLock lock(&mu_);
    if (ended_) return request->answer;
    requests_.push_back(request);
    called_.SignalAll();
  }
  parts_.log->WakeReaders();
  MutexLock lock(&mu_);
  while (!request->answered) changed_.Wait(&mu_);
  return request->answer;
}

absl::StatusOr<uint64_t> Trainer::Pause() {
  {
    MutexLock lock(&mu_);
    pausing_ = true;
    called_.SignalAll();
  }
  parts_.log->WakeReaders();
  MutexLock lock(&mu_);
  // Not paused_ and not pausing_: another caller has resumed meanwhile.
  while (pausing_ && !paused_ && !ended_) changed_.Wait(&mu_);
  if (ended_) return Stopped();
  return positions_.learned_offset;
}

absl::StatusOr<uint64_t> Trainer::Resume() {
  MutexLock lock(&mu_);
  if (ended_) return Stopped();
  pausing_ = false;
  paused_ = false;
  parts_.metrics->LearningPaused(false);
  changed_.SignalAll();
  called_.SignalAll();
  return positions_.learned_offset;
}

bool Trainer::paused() const {
  MutexLock lock(&mu_);
  return paused_;
}

void Trainer::Run() {
  SetNiceness(niceness_);
  ::pthread_setname_np(::pthread_self(), "trainer");  // For top -H and the like.
  const absl::Status why = Learn();
  if (why.ok()) {
    loop_->PublishIfNews().IgnoreError();  // Logged, as is the next.
    if (loop_->positions().learned_offset > loop_->positions().checkpoint_offset) {
      const absl::Status saved = loop_->Save().status();
      MutexLock lock(&mu_);
      saved_ = saved;
    }
  } else {
    LogError(absl::StrCat("the trainer stands still: ", why.ToString(), ""));
    loop_->PublishIfNews().IgnoreError();  // What was learned before counts.
    while (loop_->AwaitCheckpoint()) {
    }
    parts_.metrics->TrainerHealthy(false);
  }
  Tell();
  End(why);
}

absl::Status Trainer::Learn() {
  for (;;) {
    std::vector<std::shared_ptr<SaveRequest>> requests;
    bool pausing;
    {
      MutexLock lock(&mu_);
      if (stopping_) return absl::OkStatus();
      requests.swap(requests_);
      pausing = pausing_;
    }
    for (const std::shared_ptr<SaveRequest>& request : requests) Save(request);
    const absl::StatusOr<TrainingLoop::Rest> rest = Turn(pausing);
    if (!rest.ok()) return rest.status();
    Tell();
    Rest(*rest, pausing);
  }
}

absl::StatusOr<TrainingLoop::Rest> Trainer::Turn(bool pausing) {
  if (!pausing) return PacedTurn();
  if (!paused()) {
    loop_->PublishIfNews().IgnoreError();  // Logged; tried again.
    Tell();
    MutexLock lock(&mu_);
    paused_ = pausing_;
    parts_.metrics->LearningPaused(paused_);
    changed_.SignalAll();
  }
  return loop_->IdleTurn();
}

absl::StatusOr<TrainingLoop::Rest> Trainer::PacedTurn() {
  const absl::Duration owed = pace_.BeginTurn();
  absl::StatusOr<TrainingLoop::Rest> rest = owed > absl::ZeroDuration() ? loop_->IdleTurn() : loop_->Turn();
  pace_.EndTurn();
  if (rest.ok() && owed > absl::ZeroDuration()) rest->longest = std::min(rest->longest, owed);
  return rest;
}

void Trainer::Save(const std::shared_ptr<SaveRequest>& request) {
  loop_->BeginSave([this, request](absl::StatusOr<SavedCheckpoint> answer) {
    Tell();
    MutexLock lock(&mu_);
    request->answer = std::move(answer);
    request->answered = true;
    changed_.SignalAll();
  });
}

void Trainer::CheckpointDone() {
  {
    MutexLock lock(&mu_);
    checkpoint_done_ = true;
    called_.SignalAll();
  }
  parts_.log->WakeReaders();
}

void Trainer::Rest(const TrainingLoop::Rest& rest, bool pausing) {
  if (rest.longest <= absl::ZeroDuration()) return;
  if (rest.until_rows) {
    parts_.log->WaitBeyond(loop_->read_offset(), rest.longest);
    return;
  }
  MutexLock lock(&mu_);
  // Resumed and paused again meanwhile: whoever pauses waits for paused_.
  const bool as_asked = pausing_ == pausing && paused_ == pausing;
  if (!stopping_ && !checkpoint_done_ && requests_.empty() && as_asked) called_.WaitWithTimeout(&mu_, rest.longest);
  checkpoint_done_ = false;
}

void Trainer::Tell() {
  const LearningPositions positions = loop_->positions();
  MutexLock lock(&mu_);
  const bool moved =
      positions.learned_offset != positions_.learned_offset || positions.served_offset != positions_.served_offset;
  positions_ = positions;
  report_ = loop_->report();
  if (moved) changed_.SignalAll();
}

void Trainer::End(const absl::Status& why) {
  MutexLock lock(&mu_);
  ended_ = true;
  health_ = why;
  for (const std::shared_ptr<SaveRequest>& request : requests_) request->answered = true;
  requests_.clear();
  changed_.SignalAll();
}

}  // namespace polyscene
