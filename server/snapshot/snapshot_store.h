// Holds the weights that predictions are served from; replaces them without pausing a reader.
#pragma once

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "model/serving/snapshot.h"
#include "server/sync/mutex.h"

namespace polyscene {

// Threads:  Current() from any thread; Publish() from the trainer alone.
// Lifetime: a snapshot lives until its last reader lets go. Take one per batch and drop it only
//           after that batch's device work is done: pages that it alone holds are then re-used.
class SnapshotStore {
 public:
  // Newest published snapshot, or null before the first Publish(). Never waits for the trainer.
  std::shared_ptr<const Snapshot> Current() const;

  // Makes `next` what Current() returns. Readers of the snapshot it replaces finish on that one.
  //   kFailedPrecondition  `next` is not newer than the current version; nothing changed
  absl::Status Publish(std::shared_ptr<const Snapshot> next);

 private:
  mutable Mutex mu_;
  std::shared_ptr<const Snapshot> current_ ABSL_GUARDED_BY(mu_);
};

}  // namespace polyscene
