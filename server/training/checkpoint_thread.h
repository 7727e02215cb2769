// Writes checkpoints beside the trainer.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "model/learning/learner.h"
#include "server/sync/mutex.h"

namespace polyscene {

// One job at a time, on a thread of its own that has the niceness of the one that started it. Methods belong to one
// thread, the trainer's.
class CheckpointThread {
 public:
  // on_done: called on the writing thread when a job is done, and Take() has something.
  explicit CheckpointThread(std::function<void()> on_done) : on_done_(std::move(on_done)) {}
  ~CheckpointThread();  // Waits for the job.

  // Writes `job` into `directory`, then calls `afterwards` if that went well. Not while busy().
  void Start(std::unique_ptr<CheckpointJob> job, std::filesystem::path directory, std::function<void()> afterwards);

  bool busy() const { return thread_.joinable(); }  // Until the job was taken.

  struct Done {
    std::unique_ptr<CheckpointJob> job;
    absl::Status status;  // What Write() answered.
  };
  std::optional<Done> Take();  // Nothing while it is still being written.
  Done Await();                // While busy() alone.

 private:
  void Run(const std::filesystem::path& directory, const std::function<void()>& afterwards);

  const std::function<void()> on_done_;
  std::unique_ptr<CheckpointJob> job_;  // The writing thread's until done_.

  mutable Mutex mu_;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace polyscene
