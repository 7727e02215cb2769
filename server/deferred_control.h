// Stands for the trainer while it is still recovering, so that the services can be there before it.
#pragma once

#include <memory>

#include "absl/base/thread_annotations.h"
#include "server/control/learning_control.h"
#include "server/sync/mutex.h"

namespace polyscene {

// Before Set(), nothing is learned or served, and the report is empty; afterwards everything is the trainer's.
// Any thread may call any method.
class DeferredControl : public LearningControl {
 public:
  void Set(LearningControl* control);  // Once; outlives this object.

  LearningPositions Positions() const override;
  LearningPositions WaitForChange(const LearningPositions& seen, absl::Duration timeout) const override;
  std::shared_ptr<const LearningReport> Report() const override;
  absl::StatusOr<SavedCheckpoint> SaveCheckpoint() override;
  absl::StatusOr<uint64_t> Pause() override;
  absl::StatusOr<uint64_t> Resume() override;
  bool paused() const override;
  absl::Status health() const override;

 private:
  LearningControl* control() const;

  mutable Mutex mu_;
  mutable CondVar set_;
  LearningControl* control_ ABSL_GUARDED_BY(mu_) = nullptr;
};

}  // namespace polyscene
