// The one interface through which services see and steer learning; events come in through the event log alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/evaluation/evaluation.h"
#include "model/learning/learner.h"

namespace polyscene {

// Positions in the event log (everything before each is done) and counts over the data directory's lifetime.
struct LearningPositions {
  uint64_t learned_offset = 0;
  uint64_t served_offset = 0;      // Of the published snapshot.
  uint64_t checkpoint_offset = 0;  // Of the newest durable checkpoint.
  uint64_t step = 0;
  uint64_t rows_learned = 0;
};

// What the trainer told at its last publish.
struct LearningReport {
  std::vector<EvaluationFigure> recent;
  std::vector<EvaluationFigure> fading;
  std::vector<std::pair<std::string, std::vector<EvaluationFigure>>> opened;  // By producer.
  // The same of what callers got at Predict, where rows were remembered.
  std::vector<EvaluationFigure> recent_served;
  std::vector<std::pair<std::string, std::vector<EvaluationFigure>>> opened_served;
  BalanceFigures balance;
  std::vector<DriftFigure> drift;
  std::vector<TableRows> tables;
  uint64_t table_bytes = 0;
};

struct SavedCheckpoint {
  uint64_t version = 0;  // Of the snapshot with the same weights.
  uint64_t learned_offset = 0;
  std::string directory;
};

// Any thread may call it.
class LearningControl {
 public:
  virtual ~LearningControl() = default;

  virtual LearningPositions Positions() const = 0;

  // Returns once learned_offset or served_offset is beyond `seen`'s, the trainer stands still or stops, or `timeout`
  // has passed.
  virtual LearningPositions WaitForChange(const LearningPositions& seen, absl::Duration timeout) const = 0;

  virtual std::shared_ptr<const LearningReport> Report() const = 0;  // Never null.

  // Finishes the step, publishes if something was learned since, writes a checkpoint; blocks until it is durable.
  //   kUnavailable  the trainer has stopped
  virtual absl::StatusOr<SavedCheckpoint> SaveCheckpoint() = 0;

  // Finishes the step, publishes what was learned and learns no more until Resume(); blocks until it is so. Checkpoints
  // are written as ever meanwhile. Returns the learned offset. Fine if it is paused already, likewise below.
  //   kUnavailable  the trainer has stopped, or has not started yet
  virtual absl::StatusOr<uint64_t> Pause() = 0;

  // Learns on, without waiting for it. Returns the offset where.
  virtual absl::StatusOr<uint64_t> Resume() = 0;

  virtual bool paused() const = 0;

  // OK while the trainer is well; why it stands still otherwise.
  virtual absl::Status health() const = 0;
};

}  // namespace polyscene
