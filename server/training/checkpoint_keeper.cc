#include "server/training/checkpoint_keeper.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/fault/fault_point.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

// How far apart checkpoints are, if need be, while the log waits for them to make room.
constexpr absl::Duration kRoomInterval = absl::Seconds(1);

}  // namespace

CheckpointKeeper::CheckpointKeeper(Parts parts, const TrainerOptions& options, std::optional<uint64_t> newest,
                                   std::function<void()> on_done)
    : parts_(parts),
      kept_(options.checkpoints_kept),
      interval_(options.checkpoint_interval),
      folder_(options.checkpoint_directory),
      newest_(newest),
      begun_at_(parts_.clock->Now()),
      thread_(std::move(on_done)) {
  if (newest_.has_value()) RetireOld();  // The log learns what it may let go of.
}

absl::Time CheckpointKeeper::Due(uint64_t offset) const {
  if (thread_.busy() || offset == newest_.value_or(0)) return absl::InfiniteFuture();
  return begun_at_ + (parts_.log->disk().wants_room ? std::min(interval_, kRoomInterval) : interval_);
}

void CheckpointKeeper::Want(uint64_t offset, uint64_t version, SaveDone done) {
  wishes_.push_back({offset, version, std::move(done)});
  if (newest_ == offset) Answer(offset, absl::OkStatus());
}

void CheckpointKeeper::Tend(Learner& learner, uint64_t offset) {
  std::optional<CheckpointThread::Done> done = thread_.Take();
  if (done.has_value()) Finish(learner, *std::move(done));
  begun_at_ = std::min(begun_at_, parts_.clock->Now());  // A clock that was set back puts nothing off.
  if (thread_.busy()) return;
  if (again_ || !wishes_.empty() || parts_.clock->Now() >= Due(offset)) Begin(learner, offset);
}

bool CheckpointKeeper::Await(Learner& learner, uint64_t offset) {
  if (!thread_.busy()) return false;
  Finish(learner, thread_.Await());
  Tend(learner, offset);
  return true;
}

void CheckpointKeeper::Begin(Learner& learner, uint64_t offset) {
  again_ = false;
  begun_at_ = parts_.clock->Now();
  writing_offset_ = offset;
  absl::StatusOr<std::unique_ptr<CheckpointJob>> job = learner.BeginCheckpoint(offset, CheckpointKind::kIncremental);
  if (!job.ok()) return Failed(offset, job.status());
  thread_.Start(*std::move(job), folder_.PathOf(offset), [this] { RetireOld(); });
}

void CheckpointKeeper::Finish(Learner& learner, CheckpointThread::Done done) {
  const absl::Status status = std::move(done.status);
  learner.EndCheckpoint(std::move(done.job));
  if (absl::IsAborted(status)) {
    LogWarning(absl::StrCat("checkpoint at offset ", writing_offset_, ": ", status.message()));
    again_ = true;
    return;
  }
  if (!status.ok()) return Failed(writing_offset_, status);
  parts_.metrics->CheckpointWritten(parts_.clock->Now() - begun_at_);
  newest_ = writing_offset_;
  Answer(writing_offset_, status);
}

void CheckpointKeeper::Failed(uint64_t offset, const absl::Status& status) {
  parts_.metrics->CheckpointFailed();
  LogError(absl::StrCat("checkpoint at offset ", offset, " failed: ", status.message()));
  Answer(offset, status);
}

void CheckpointKeeper::Answer(uint64_t offset, const absl::Status& status) {
  const auto later = std::stable_partition(wishes_.begin(), wishes_.end(),
                                           [offset](const Wish& wish) { return wish.offset <= offset; });
  std::vector<Wish> answered(std::make_move_iterator(wishes_.begin()), std::make_move_iterator(later));
  wishes_.erase(wishes_.begin(), later);
  for (const Wish& wish : answered) {
    if (status.ok()) {
      wish.done(SavedCheckpoint{wish.version, offset, folder_.PathOf(offset).string()});
    } else {
      wish.done(status);
    }
  }
}

// Old checkpoints and old events that stay only cost disk: learning goes on.
void CheckpointKeeper::RetireOld() const {
  FaultPoint("checkpoint.retire");
  absl::StatusOr<std::optional<uint64_t>> oldest = folder_.Prune(kept_);
  absl::Status status = oldest.status();
  if (status.ok() && oldest->has_value()) {
    const absl::StatusOr<std::vector<uint64_t>> offsets = folder_.Offsets();
    status = parts_.log->Retire(**oldest, offsets.ok() && !offsets->empty() ? offsets->back() : **oldest);
  }
  if (!status.ok()) LogWarning(absl::StrCat("old data stays: ", status.message()));
  FaultPoint("checkpoint.retired");
}

}  // namespace polyscene
