#include "server/snapshot/snapshot_store.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace polyscene {

std::shared_ptr<const Snapshot> SnapshotStore::Current() const {
  MutexLock lock(&mu_);
  return current_;
}

absl::Status SnapshotStore::Publish(std::shared_ptr<const Snapshot> next) {
  // Swapped out under the lock, let go after it: freeing a snapshot's own pages may take a while.
  std::shared_ptr<const Snapshot> last;
  {
    MutexLock lock(&mu_);
    if (current_ != nullptr && next->info().version <= current_->info().version) {
      return absl::FailedPreconditionError(absl::StrCat("snapshot version ", next->info().version,
                                                        " is not newer than the served version ",
                                                        current_->info().version));
    }
    last = std::exchange(current_, std::move(next));
  }
  return absl::OkStatus();
}

}  // namespace polyscene
