// The trainer's model: scores labelled rows, learns them, and hands out snapshots and checkpoints.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/balance/balance_figures.h"
#include "model/data/example_slice.h"
#include "model/evaluation/drift.h"
#include "model/evaluation/evaluation.h"
#include "model/feature/hash_key.h"
#include "model/serving/snapshot.h"
#include "model/spec/model_spec.h"

namespace polyscene {

struct StepReport {
  uint64_t step = 0;  // Number of this step, from 1 over the state's lifetime.
  int64_t rows = 0;
  double loss = 0;                  // Joint loss, before the update.
  bool passed_over = false;         // Loss or gradient was not finite: the rows count as learned, no weight changed.
  std::vector<double> task_losses;  // [tasks] mean loss before the update; NaN without one of its own, or a label.
};

struct LearnerCounters {
  uint64_t step = 0;
  uint64_t rows_learned = 0;
  int64_t learned_up_to_micros = 0;
};

struct TableRows {
  std::string table;
  uint64_t rows = 0;
  uint64_t waiting = 0;  // Ids learned from that have no row yet.
  uint64_t expired = 0;  // Rows let go, since this learner was made, for their ids were not learned from for too long,
  uint64_t evicted = 0;  // and for others needed their room.
};

enum class CheckpointKind { kFull, kIncremental };

// A learner's whole state as it was when the job was begun, on its way to disk. It shares the embedding rows with the
// learner, page by page, so it costs what the learner changes meanwhile. Any one thread; destroyed before the learner.
class CheckpointJob {
 public:
  virtual ~CheckpointJob() = default;

  // Writes the new directory `directory`: as `directory`.writing (which a crash may leave behind), synced, read back
  // and verified, renamed. It is durable when this returns OK; otherwise nothing of it stays.
  //   kAlreadyExists  there is something at `directory`
  //   kAborted        the files of the checkpoint that an incremental one adds to cannot be linked; the next one is
  //                   full
  //   or the disk's error, with the path
  virtual absl::Status Write(const std::filesystem::path& directory) = 0;

  virtual bool full() const = 0;               // Shares no file with an older one.
  virtual uint64_t bytes_written() const = 0;  // Once written: of the files that are new.
};

// One order holds for every step: score with the statistics and rows as they are, learn, then update the statistics. So
// what is evaluated is what a Predict at that moment would have answered, and nothing differs between training and
// serving.
//
// Threads: one, the trainer. Snapshots it made are read by any thread meanwhile.
class Learner {
 public:
  virtual ~Learner() = default;

  // Learns one step of at least one row. A step whose loss or gradient is not finite is passed over, as it would be in
  // every replay.
  //   kInternal           LibTorch failed; the weights are as before the step
  //   kResourceExhausted  the device has no memory left; likewise
  virtual absl::StatusOr<StepReport> Step(absl::Span<const ExampleSlice> slices) = 0;

  // From now on Step() calls this between its pieces, on a processor mostly of a millisecond or less, so that it
  // can make way for others: from its own thread, with nothing locked. It may sleep, and does not throw; what is
  // learned is the same.
  virtual void CallBetweenPieces(std::function<void()> call) = 0;

  // Opens the evaluation of `producer`: rows from now on with an event time >= from_micros (0: every row). Opening it
  // again with the same time continues it, with another time it starts anew. The 64 opened last are kept. Part of the
  // checkpoint.
  virtual void OpenEvaluation(absl::string_view producer, int64_t from_micros) = 0;

  // Closes every opened evaluation and empties the recent window: as if nothing had been measured yet.
  virtual void ClearEvaluations() = 0;

  // Immutable weights as they are now. `info`'s counters are filled in from this learner's. Costs what changed since
  // the last.
  virtual absl::StatusOr<std::shared_ptr<const Snapshot>> MakeSnapshot(uint64_t version, uint64_t learned_offset) = 0;

  // The whole state and `log_offset`, to be written while this learner goes on. One at a time: EndCheckpoint() comes
  // before the next. An incremental one shares files with the last one that was written or loaded, which must still be
  // where it was; where there is none, or the increments since the last full one outgrew that, it is a full one.
  virtual absl::StatusOr<std::unique_ptr<CheckpointJob>> BeginCheckpoint(uint64_t log_offset, CheckpointKind kind) = 0;

  // Takes a job back, written or not: what an unwritten one held is part of the next.
  virtual void EndCheckpoint(std::unique_ptr<CheckpointJob> job) = 0;

  // A full checkpoint, written before this returns. Errors as CheckpointJob::Write().
  absl::Status SaveCheckpoint(const std::filesystem::path& directory, uint64_t log_offset) {
    absl::StatusOr<std::unique_ptr<CheckpointJob>> job = BeginCheckpoint(log_offset, CheckpointKind::kFull);
    if (!job.ok()) return job.status();
    absl::Status status = (*job)->Write(directory);
    EndCheckpoint(*std::move(job));
    return status;
  }

  virtual LearnerCounters counters() const = 0;
  virtual std::vector<TableRows> tables() const = 0;
  virtual uint64_t table_bytes() const = 0;  // Memory of rows, their optimizer state and their index.

  // How tasks and scenes share the network now.
  virtual BalanceFigures balance() const = 0;

  // Whether losses have risen, one a scene and task that is watched. Part of the checkpoint.
  virtual std::vector<DriftFigure> drift() const = 0;

  // Figures over the recent window, of all rows with older ones fading away, and of each opened evaluation.
  virtual std::vector<EvaluationFigure> RecentEvaluation() const = 0;
  virtual std::vector<EvaluationFigure> FadingFigures() const = 0;
  virtual std::vector<std::pair<std::string, std::vector<EvaluationFigure>>> OpenedEvaluations() const = 0;

  // The same of what callers got at Predict, of rows that were remembered there (ExamplesView::served). The opened
  // ones' AUC is exact; producers without such rows are left out.
  virtual std::vector<EvaluationFigure> RecentServed() const = 0;
  virtual std::vector<std::pair<std::string, std::vector<EvaluationFigure>>> OpenedServed() const = 0;
};

struct LearnerOptions {
  HashKey key;
  std::string device = "cpu";  // "cpu" or "cuda:N".
  int threads = 1;             // LibTorch threads within a step.
  bool serves = true;          // Its snapshots are for a Predictor, which wants their weights packed.
  bool warm = false;           // And what computes with them is made ready at once, not as requests come.
};

// A learner with fresh weights. kInvalidArgument: no such device.
absl::StatusOr<std::unique_ptr<Learner>> CreateLearner(std::shared_ptr<const ModelSpec> spec, LearnerOptions options);

struct LoadedLearner {
  std::unique_ptr<Learner> learner;
  uint64_t log_offset = 0;  // Where in the event log to go on.
  std::vector<std::string>
      changes;  // Where it was of another model file: what is new and what was dropped, a line each.
};

// The learner a checkpoint holds. One of another model file is taken over by name: tables, statistics, dense weights
// with their optimizer state; what only the new model has begins as in a fresh learner, what only the old one had is
// dropped.
//   kDataLoss            a file is truncated or fails its checksum; the message names it
//   kFailedPrecondition  written under another hash key, or by a model whose state means nothing to this one; names
//   both
//                        and every reason
absl::StatusOr<LoadedLearner> LoadLearner(std::shared_ptr<const ModelSpec> spec, LearnerOptions options,
                                          const std::filesystem::path& directory);

// "auto" turned into "cuda:0" where LibTorch sees a GPU, else "cpu"; anything else checked. kInvalidArgument: no such
// device.
absl::StatusOr<std::string> ResolveDevice(const std::string& device);

// Which LibTorch, BLAS and instruction sets are in use, for the log; warns of the slow reference BLAS.
std::string DescribeBackend();

}  // namespace polyscene
