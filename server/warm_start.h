// --warm_start: a data directory's life begins with a checkpoint from elsewhere.
//
// In two halves, around the opening of the data directory: the checkpoint is loaded first, so that a wrong or damaged
// one leaves nothing behind; then it is saved as the directory's own, at log offset 0, so that everything afterwards is
// recovery as ever. Weights, optimizer, statistics and counters are taken over; evaluations are not, since they count
// rows of another log.
#pragma once

#include <filesystem>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/learning/learner.h"
#include "server/data_directory.h"
#include "server/eventlog/event_log.h"
#include "server/training/checkpoint_folder.h"

namespace polyscene {

// The learner that the checkpoint directory `from` holds.
//   kFailedPrecondition  `data_dir` has a checkpoint of its own; or `from` is of another model or hash key: names both
//   kNotFound            there is no directory `from`
//   kDataLoss            it holds no checkpoint, or a damaged one
absl::StatusOr<std::unique_ptr<Learner>> LoadWarmStart(const std::filesystem::path& from,
                                                       const std::filesystem::path& data_dir,
                                                       const LearnerFunctions& functions);

// Makes `learner` the directory's first checkpoint; it is durable when this returns.
//   kFailedPrecondition  the directory has a state of its own, and stays as it is
//   or the disk's error
absl::Status SaveWarmStart(const std::filesystem::path& from, Learner& learner, const DataDirectory& directory,
                           const EventLog& log);

// `functions` for recovery in `directory`. Where its life began with a warm start, fresh weights are no beginning:
// without a checkpoint that can be read, recovery then ends with kDataLoss.
LearnerFunctions RecoveryFunctions(LearnerFunctions functions, const DataDirectory& directory);

}  // namespace polyscene
