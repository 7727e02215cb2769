#include "client/status/status_follower.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace polyscene::cli {
namespace {

constexpr size_t kMostNews = 1000;  // Answers of the smallest interval in well over a minute.

}  // namespace

StatusFollower::StatusFollower(FollowerOptions options, std::function<void()> on_news)
    : options_(std::move(options)), on_news_(std::move(on_news)), client_({.server = options_.server}) {
  thread_ = std::thread([this] { Run(); });
}

StatusFollower::~StatusFollower() {
  {
    std::lock_guard<std::mutex> lock(mu_);
    stopping_ = true;
    if (watch_ != nullptr) watch_->Cancel();
  }
  stop_changed_.notify_all();
  thread_.join();
}

std::vector<StatusNews> StatusFollower::Take() {
  std::lock_guard<std::mutex> lock(mu_);
  if (watch_ != nullptr && !silent_ && absl::Now() - last_news_ > options_.interval + options_.silence) {
    silent_ = true;
    watch_->Cancel();
  }
  return std::exchange(news_, {});
}

void StatusFollower::Run() {
  client::Backoff backoff(options_.backoff);
  for (;;) {
    const std::shared_ptr<client::StatusWatch> watch = client_.WatchStatus(options_.evaluation_of, options_.interval);
    {
      std::lock_guard<std::mutex> lock(mu_);
      if (stopping_) return;
      watch_ = watch;
      silent_ = false;
      last_news_ = absl::Now();
    }
    absl::StatusOr<v1::GetStatusResponse> answer = watch->Next();
    for (; answer.ok(); answer = watch->Next()) {
      backoff.Reset();
      Report(std::move(answer));
    }
    std::unique_lock<std::mutex> lock(mu_);
    watch_ = nullptr;
    if (stopping_) return;
    if (silent_) {
      answer = absl::UnavailableError(
          absl::StrCat("no answer for ", absl::FormatDuration(options_.interval + options_.silence)));
    }
    lock.unlock();
    Report(std::move(answer));
    lock.lock();
    stop_changed_.wait_for(lock, absl::ToChronoNanoseconds(backoff.Next()), [this] { return stopping_; });
    if (stopping_) return;
  }
}

void StatusFollower::Report(absl::StatusOr<v1::GetStatusResponse> answer) {
  {
    std::lock_guard<std::mutex> lock(mu_);
    last_news_ = absl::Now();
    if (news_.size() == kMostNews) news_.erase(news_.begin());
    news_.push_back({std::move(answer), last_news_});
  }
  on_news_();
}

}  // namespace polyscene::cli
