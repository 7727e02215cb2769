// A learner that learns from files: rows that are encoded once and learned in any order, any number of times.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/feature/encoded_examples.h"
#include "model/feature/statistics.h"
#include "model/learning/learner.h"

namespace polyscene {

// A dense weight matrix, row after row, and its gradient in the last step (zeros before the first).
struct NamedMatrix {
  std::string name;
  std::vector<float> weights;
  std::vector<float> gradients;  // As many.
};

// What it saves is a checkpoint as any other: a server goes on from it. The statistics that numeric features and
// labels are scaled by are set before the first step and stay: what is encoded with them then stays right for every
// epoch. Nothing learned here counts in the evaluations, which tell of rows that were scored before they were learned.
//
// Threads: one, as Learner.
class OfflineLearner : public Learner {
 public:
  virtual const FeatureStatistics& statistics() const = 0;
  // As many entries as ModelSpec::statistics_count().
  virtual void SetStatistics(FeatureStatistics statistics) = 0;

  // Learns one step of at least one row that was encoded with statistics(). Errors and steps passed over as Step().
  virtual absl::StatusOr<StepReport> LearnEncoded(const EncodedExamples& examples) = 0;

  // A copy of every dense matrix of the network, under the network's names. Errors as Step().
  virtual absl::StatusOr<std::vector<NamedMatrix>> Matrices() const = 0;

  // Writes weights, embedding rows and statistics as an archive of NumPy arrays (see weights_archive.cc for the names);
  // as `file`.writing first, then renamed. The disk's error, with the path.
  virtual absl::Status ExportWeights(const std::filesystem::path& file) const = 0;
};

// As CreateLearner() and LoadLearner().
absl::StatusOr<std::unique_ptr<OfflineLearner>> CreateOfflineLearner(std::shared_ptr<const ModelSpec> spec,
                                                                     LearnerOptions options);
absl::StatusOr<std::unique_ptr<OfflineLearner>> LoadOfflineLearner(std::shared_ptr<const ModelSpec> spec,
                                                                   LearnerOptions options,
                                                                   const std::filesystem::path& directory);

// The model that a checkpoint is of, as its model file said it, defaults filled in. Errors as LoadLearner().
absl::StatusOr<std::shared_ptr<const ModelSpec>> CheckpointModel(const std::filesystem::path& directory);

}  // namespace polyscene
