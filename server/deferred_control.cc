#include "server/deferred_control.h"

#include "absl/status/status.h"

namespace polyscene {
namespace {

absl::Status NotStartedYet() { return absl::UnavailableError("the trainer is still recovering: retry"); }

}  // namespace

void DeferredControl::Set(LearningControl* control) {
  MutexLock lock(&mu_);
  control_ = control;
  set_.SignalAll();
}

LearningControl* DeferredControl::control() const {
  MutexLock lock(&mu_);
  return control_;
}

LearningPositions DeferredControl::Positions() const {
  const LearningControl* set = control();
  return set != nullptr ? set->Positions() : LearningPositions();
}

LearningPositions DeferredControl::WaitForChange(const LearningPositions& seen, absl::Duration timeout) const {
  {
    MutexLock lock(&mu_);
    if (control_ == nullptr) {
      set_.WaitWithTimeout(&mu_, timeout);
      if (control_ == nullptr) return LearningPositions();
    }
  }
  return control()->WaitForChange(seen, timeout);
}

std::shared_ptr<const LearningReport> DeferredControl::Report() const {
  const LearningControl* set = control();
  return set != nullptr ? set->Report() : std::make_shared<const LearningReport>();
}

absl::StatusOr<SavedCheckpoint> DeferredControl::SaveCheckpoint() {
  LearningControl* set = control();
  if (set == nullptr) return NotStartedYet();
  return set->SaveCheckpoint();
}

absl::StatusOr<uint64_t> DeferredControl::Pause() {
  LearningControl* set = control();
  if (set == nullptr) return NotStartedYet();
  return set->Pause();
}

absl::StatusOr<uint64_t> DeferredControl::Resume() {
  LearningControl* set = control();
  if (set == nullptr) return NotStartedYet();
  return set->Resume();
}

bool DeferredControl::paused() const {
  const LearningControl* set = control();
  return set != nullptr && set->paused();
}

absl::Status DeferredControl::health() const {
  const LearningControl* set = control();
  return set != nullptr ? set->health() : absl::OkStatus();
}

}  // namespace polyscene
