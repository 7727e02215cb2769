#include "server/training/checkpoint_thread.h"

#include <pthread.h>

#include <utility>

namespace polyscene {

CheckpointThread::~CheckpointThread() {
  if (thread_.joinable()) thread_.join();
}

void CheckpointThread::Start(std::unique_ptr<CheckpointJob> job, std::filesystem::path directory,
                             std::function<void()> afterwards) {
  {
    MutexLock lock(&mu_);
    done_ = false;
  }
  job_ = std::move(job);
  thread_ = std::thread(
      [this, directory = std::move(directory), afterwards = std::move(afterwards)] { Run(directory, afterwards); });
}

void CheckpointThread::Run(const std::filesystem::path& directory, const std::function<void()>& afterwards) {
  ::pthread_setname_np(::pthread_self(), "checkpoint");  // Else it has the trainer's.
  absl::Status status = job_->Write(directory);
  if (status.ok()) afterwards();
  {
    MutexLock lock(&mu_);
    status_ = std::move(status);
    done_ = true;
  }
  on_done_();
}

std::optional<CheckpointThread::Done> CheckpointThread::Take() {
  if (!busy()) return std::nullopt;
  {
    MutexLock lock(&mu_);
    if (!done_) return std::nullopt;
  }
  return Await();
}

CheckpointThread::Done CheckpointThread::Await() {
  thread_.join();
  MutexLock lock(&mu_);
  return {std::move(job_), status_};
}

}  // namespace polyscene
