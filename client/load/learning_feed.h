// A file's events, streamed over and over while something else is measured.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/lib/client.h"
#include "model/data/event_reader.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene::load {

struct LearningFeedOptions {
  std::string server;
  std::string file;
  double rate = 0;  // Events a second; 0: as fast as they are learned.
  // Events sent and not learned yet. Enough that the trainer always has its next steps, and little enough that it has
  // soon learned all of them once the feed ends.
  int64_t backlog = 20'000;
};

// Streams by a producer of its own, which the server has never seen. At the end of the file it begins again, and the
// server learns the same rows once more. Lines that cannot be read are passed over.
//
// Threads: one of its own between Start() and Stop(); the rest from one thread.
class LearningFeed {
 public:
  // Opens the file. Errors as EventReader::Open().
  static absl::StatusOr<std::unique_ptr<LearningFeed>> Start(LearningFeedOptions options, const v1::ModelFile& model);
  ~LearningFeed();  // Stop().

  // Rows that the server has learned so far.
  //   Client::GetStatus()'s errors, or why the feed ended before it was to
  absl::StatusOr<uint64_t> Learned();

  // Sends no more, and waits until what was sent is learned or `patience` is over. OK where all went well.
  absl::Status Stop(absl::Duration patience);

 private:
  LearningFeed(LearningFeedOptions options, v1::ModelFile model, std::unique_ptr<EventReader> reader);
  void Run();  // Body of thread_.
  absl::Status Feed();
  absl::Status error() const;

  const LearningFeedOptions options_;
  const v1::ModelFile model_;
  std::unique_ptr<EventReader> reader_;  // Of Run().
  client::Client client_;
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> patience_seconds_{0};

  mutable std::mutex mu_;
  absl::Status error_;  // Guarded by mu_.

  std::thread thread_;  // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene::load
