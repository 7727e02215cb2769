// What the trainer needs to know of the model file and the server's configuration.
#pragma once

#include <cstdint>
#include <filesystem>

#include "absl/time/time.h"
#include "polyscene/v1/model.pb.h"
#include "polyscene/v1/server.pb.h"
#include "server/sync/processors.h"

namespace polyscene {

// Defaults, and their reasons, are those of model.proto and server.proto.
struct TrainerOptions {
  std::filesystem::path checkpoint_directory;  // <data_dir>/checkpoints
  int64_t step_rows = 256;
  absl::Duration step_wait = absl::Milliseconds(100);
  absl::Duration publish_interval = absl::Seconds(1);
  absl::Duration checkpoint_interval = absl::Seconds(60);
  int checkpoints_kept = 3;  // At least 1.
  int niceness = 10;
  int processors = Processors();
};

// Both with their defaults filled in.
TrainerOptions MakeTrainerOptions(const v1::LearningPolicy& policy, const v1::ServerConfig& config,
                                  const std::filesystem::path& data_dir);

}  // namespace polyscene
