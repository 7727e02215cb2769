// A checkpoint on its way to disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "model/embedding/embedding_tables.h"
#include "model/learning/learner.h"
#include "model/learning/stored_checkpoint.h"

namespace polyscene {

// What a checkpoint is written from. Nothing in it changes while the learner goes on.
struct CheckpointContents {
  struct Section {
    std::string name;
    std::function<std::string()> bytes;  // Called once, on the writing thread.
  };
  std::vector<Section> sections;  // Of the state file, all but tables and manifest.
  std::vector<StoredTable> tables;
  std::vector<FrozenGroup> groups;
  // Row files, in `chain_directory`, that an incremental checkpoint adds to; none: a full one.
  std::vector<StoredFile> chain;
  std::filesystem::path chain_directory;
};

// Of a TorchLearner.
class TorchCheckpointJob : public CheckpointJob {
 public:
  explicit TorchCheckpointJob(CheckpointContents contents) : contents_(std::move(contents)) {}

  absl::Status Write(const std::filesystem::path& directory) override;
  bool full() const override { return contents_.chain.empty(); }
  uint64_t bytes_written() const override { return bytes_written_; }

  // For the learner, once it is back.
  bool written() const { return written_; }                                // A Write() has returned OK.
  bool chain_broken() const { return chain_broken_; }                      // The chain's files could not be linked.
  const std::filesystem::path& directory() const { return directory_; }    // Where it was written,
  const std::vector<StoredFile>& row_files() const { return row_files_; }  // and its row files, oldest first.
  std::vector<FrozenGroup> TakeGroups() { return std::move(contents_.groups); }

 private:
  absl::Status WriteFiles(const std::filesystem::path& directory);
  absl::Status LinkChain(const std::filesystem::path& directory);
  absl::Status WriteRows(const std::filesystem::path& directory);
  absl::Status WriteState(const std::filesystem::path& directory);

  CheckpointContents contents_;
  std::filesystem::path directory_;
  std::vector<StoredFile> row_files_;
  uint64_t bytes_written_ = 0;
  bool written_ = false;
  bool chain_broken_ = false;
};

}  // namespace polyscene
