#include "server/warm_start.h"

#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/log/log.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

absl::Status HasItsOwnState(const fs::path& data_dir, const std::string& what) {
  return absl::FailedPreconditionError(
      absl::StrCat("warm_start: data_dir ", data_dir.string(), " has a state of its own (", what,
                   "), which a warm start would replace: leave out --warm_start to go on from it, or name an empty "
                   "--data_dir"));
}

absl::Status CheckHasNoCheckpoint(const fs::path& data_dir, const fs::path& checkpoints) {
  std::error_code error;
  if (!fs::exists(checkpoints, error)) return absl::OkStatus();
  const CheckpointFolder folder(checkpoints);
  const absl::StatusOr<std::vector<uint64_t>> offsets = folder.Offsets();
  if (!offsets.ok()) return offsets.status();
  if (offsets->empty()) return absl::OkStatus();
  return HasItsOwnState(data_dir, absl::StrCat("checkpoint ", folder.PathOf(offsets->back()).string()));
}

// What somebody who named a folder of checkpoints, or a data directory, may have meant; empty where there is none.
std::string Hint(const fs::path& from) {
  for (const fs::path& place : {from, from / "checkpoints"}) {
    std::error_code error;
    if (!fs::is_directory(place, error)) continue;
    const CheckpointFolder folder(place);
    const absl::StatusOr<std::vector<uint64_t>> offsets = folder.Offsets();
    if (offsets.ok() && !offsets->empty()) {
      return absl::StrCat("; did you mean ", folder.PathOf(offsets->back()).string(), "?");
    }
  }
  return "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Learner>> LoadWarmStart(const fs::path& from, const fs::path& data_dir,
                                                       const LearnerFunctions& functions) {
  if (absl::Status status = CheckHasNoCheckpoint(data_dir, DataDirectory::CheckpointsOf(data_dir)); !status.ok()) {
    return status;
  }
  std::error_code error;
  if (!fs::is_directory(from, error)) {
    return absl::NotFoundError(
        absl::StrCat("warm_start: there is no directory ", from.string(), ", expected a checkpoint's"));
  }
  absl::StatusOr<LoadedLearner> loaded = functions.load(from);
  if (!loaded.ok()) {
    return absl::Status(loaded.status().code(), absl::StrCat("warm_start: ", loaded.status().message(),
                                                             absl::IsDataLoss(loaded.status()) ? Hint(from) : ""));
  }
  for (const std::string& change : loaded->changes) LogInfo(absl::StrCat("warm start: ", change));
  return std::move(loaded->learner);
}

absl::Status SaveWarmStart(const fs::path& from, Learner& learner, const DataDirectory& directory,
                           const EventLog& log) {
  if (log.end_offset() > 0) {
    return HasItsOwnState(directory.path(), absl::StrCat(log.rows_accepted(), " events logged"));
  }
  // Again, now that nobody else can write one.
  if (absl::Status status = CheckHasNoCheckpoint(directory.path(), directory.checkpoints()); !status.ok()) {
    return status;
  }
  const CheckpointFolder folder(directory.checkpoints());
  if (absl::Status status = folder.Prepare(); !status.ok()) return status;
  learner.ClearEvaluations();
  // Noted first: a crash between the two must not make a beginning with fresh weights of it.
  if (absl::Status status = directory.NoteWarmStart(from); !status.ok()) return status;
  if (absl::Status status = learner.SaveCheckpoint(folder.PathOf(0), 0); !status.ok()) return status;
  LogInfo(absl::StrCat("warm start from ", from.string(), ", ", learner.counters().rows_learned, " rows learned"));
  return absl::OkStatus();
}

LearnerFunctions RecoveryFunctions(LearnerFunctions functions, const DataDirectory& directory) {
  const std::optional<std::string> from = directory.WarmStart();
  if (!from.has_value()) return functions;
  functions.create = [from = *from, data_dir = directory.path()]() -> absl::StatusOr<std::unique_ptr<Learner>> {
    return absl::DataLossError(absl::StrCat(
        "data_dir: ", data_dir.string(), " began with the checkpoint ", from,
        " (--warm_start), and has none of its own that can be read, so fresh weights would not be what its events were "
        "learned on: restore a checkpoint, or begin anew with --warm_start and an empty --data_dir"));
  };
  return functions;
}

}  // namespace polyscene
