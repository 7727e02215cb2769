// Checkpoints of a test, in a directory of its own.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/learning/inspection.h"
#include "model/learning/learner.h"
#include "tests/support/temp_directory.h"

namespace polyscene {

class CheckpointFiles {
 public:
  std::filesystem::path Path(const std::string& name) const { return directory_.path() / name; }

  // An incremental one.
  absl::Status Write(Learner& learner, const std::filesystem::path& path, uint64_t offset = 0) {
    auto job = learner.BeginCheckpoint(offset, CheckpointKind::kIncremental);
    if (!job.ok()) return job.status();
    absl::Status status = (*job)->Write(path);
    learner.EndCheckpoint(*std::move(job));
    return status;
  }

  std::unique_ptr<Learner> Load(const std::shared_ptr<const ModelSpec>& spec, const std::string& name) {
    auto loaded = LoadLearner(spec, LearnerOptions(), Path(name));
    if (!loaded.ok()) ADD_FAILURE() << loaded.status();
    return std::move(loaded->learner);
  }

  // Equal where states are.
  std::string Digest(const std::filesystem::path& path) {
    const CheckpointInspection inspection = InspectCheckpoint(path);
    EXPECT_TRUE(inspection.damage.ok()) << inspection.damage;
    return inspection.state_digest;
  }
  std::string Digest(Learner& learner) {
    const std::filesystem::path path = Path(absl::StrCat("digest", digests_++));
    EXPECT_TRUE(learner.SaveCheckpoint(path, 0).ok());
    return Digest(path);
  }

 private:
  TempDirectory directory_;
  int digests_ = 0;
};

}  // namespace polyscene
