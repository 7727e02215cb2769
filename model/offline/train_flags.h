// The command line of polyscene-train.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace polyscene {

struct TrainFlags {
  std::string model;
  std::vector<std::string> compare;  // Model files; set: trains each of them and keeps no checkpoint.
  std::vector<std::string> train;
  std::string from_log;  // A data directory, whose retained events are the training rows.
  std::vector<std::string> test;
  std::string out;         // A new checkpoint, or with `predict` the file of scores.
  std::string from;        // Goes on from this checkpoint.
  std::string checkpoint;  // Set: nothing is trained.
  std::string inspect;     // Set: prints what it holds, and nothing else is done.
  std::string predict;
  std::string scene;
  std::string export_to;
  std::string tensorboard;  // A folder for an event file.
  std::string report;       // A new HTML file.
  std::string hash_key;
  std::string device = "auto";
  int epochs = 1;
  int64_t batch_size = 0;  // 0: the model file's step_rows.
  int64_t shuffle_buffer = 100'000;
  uint64_t seed = 1;
  int seeds = 1;  // Runs of each model of `compare`.
  int threads = 1;
  int64_t max_rejected = 0;
  int64_t split_micros = std::numeric_limits<int64_t>::min();          // With `split`.
  int64_t evaluate_from_micros = std::numeric_limits<int64_t>::min();  // Default: every row.
  bool split = false;
  bool json = false;
  std::string command;  // The whole line, as a shell would read it.
};

// Reads the command line and checks that its flags go together; looks at no file.
//   kCancelled        --help was asked for, or --version: the text to print
//   kInvalidArgument  says what is wrong
absl::StatusOr<TrainFlags> ReadTrainFlags(int argc, const char* const* argv);

}  // namespace polyscene
