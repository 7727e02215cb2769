// Kills a server again and again while producers stream, and then proves that nothing was lost, nothing learned twice,
// and that the weights are those of an uninterrupted run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace polyscene {

struct CrashRunOptions {
  std::string server_program;       // polyscene-server
  std::string train_program;        // polyscene-train. Empty: states are compared by the scores that they give alone.
  std::filesystem::path directory;  // Empty at the start; the caller removes it, or keeps it to look at a failure.
  uint64_t seed = 1;                // Decides when and where the server is killed.
  int kills = 25;
  int producers = 3;
  absl::Duration batch_interval = absl::Milliseconds(20);  // Of each producer.
  absl::Duration longest_life = absl::Milliseconds(1500);  // Of a server that is killed at a random moment.
};

struct CrashReport {
  int kills = 0;
  std::map<std::string, int> reached;  // Fault points that ended the server, and how often.
  int at_random = 0;                   // Kills at random moments.
  int64_t rows = 0;                    // Accepted, and learned once each.
  int64_t batches = 0;
  int64_t connections = 0;  // Of the producers.
  int64_t answers = 0;      // That the witness saw.
  absl::Duration took;
};

// Fills `report` as far as it comes.
//   kDataLoss  a promise is broken; the message says which, with both sides
//   other      the run could not be made
absl::Status RunCrashes(const CrashRunOptions& options, CrashReport* report);

}  // namespace polyscene
