#include "server/rpc/background_worker.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace polyscene {

BackgroundWorker::BackgroundWorker(size_t max_waiting) : max_waiting_(max_waiting), thread_([this] { Run(); }) {}

BackgroundWorker::~BackgroundWorker() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  changed_.SignalAll();
  thread_.join();
}

absl::Status BackgroundWorker::Submit(std::function<void()> work) {
  {
    MutexLock lock(&mu_);
    if (waiting_.size() >= max_waiting_) {
      return absl::ResourceExhaustedError(
          absl::StrCat(waiting_.size(), " calls of this kind wait already: back off and retry"));
    }
    waiting_.push_back(std::move(work));
  }
  changed_.Signal();
  return absl::OkStatus();
}

void BackgroundWorker::Run() {
  for (;;) {
    std::function<void()> work;
    {
      MutexLock lock(&mu_);
      while (waiting_.empty() && !stopping_) changed_.Wait(&mu_);
      if (waiting_.empty()) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
  }
}

}  // namespace polyscene
