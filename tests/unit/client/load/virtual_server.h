// A server and a clock in virtual time: a run against it takes no time and goes the same way every time.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "client/load/caller.h"
#include "client/load/load_clock.h"

namespace polyscene::load {

// Answers one request after the other, in `service` each, and nothing within [stall_begin, stall_end).
class VirtualServer : public Caller, public LoadClock {
 public:
  absl::Duration service = absl::Milliseconds(1);
  absl::Duration stall_begin = absl::InfiniteDuration();
  absl::Duration stall_end = absl::InfiniteDuration();
  absl::Duration cost_of_sending;  // That the sender's thread takes for each request.
  std::function<absl::Status(int64_t request)> refuse = [](int64_t) { return absl::OkStatus(); };
  std::function<void()> on_start = [] {};

  absl::Duration Now() const override { return now_; }

  void SleepUntil(absl::Duration moment) override {
    while (!events_.empty() && events_.begin()->first <= moment) {
      auto event = events_.begin();
      now_ = std::max(now_, event->first);
      const std::function<void()> happen = std::move(event->second);
      events_.erase(event);
      happen();
    }
    now_ = std::max(now_, moment);
  }

  void Start(size_t, absl::Duration timeout, Done done) override {
    on_start();
    now_ += cost_of_sending;
    const absl::Status refused = refuse(started_++);
    if (!refused.ok()) {
      events_.emplace(now_, [done = std::move(done), refused] { done({refused}); });
      return;
    }
    absl::Duration begin = std::max(now_, free_);
    if (begin >= stall_begin && begin < stall_end) begin = stall_end;
    const absl::Duration end = begin + service;
    if (end > now_ + timeout) {
      events_.emplace(now_ + timeout, [done = std::move(done)] { done({absl::DeadlineExceededError("late")}); });
      return;
    }
    free_ = end;
    events_.emplace(end, [done = std::move(done)] { done({absl::OkStatus(), 3}); });
  }

  void CancelAll() override {
    for (auto& event : std::exchange(events_, {})) event.second();
  }

  int64_t started() const { return started_; }

 private:
  absl::Duration now_ = absl::Seconds(1000);
  absl::Duration free_;
  std::multimap<absl::Duration, std::function<void()>> events_;
  int64_t started_ = 0;
};

}  // namespace polyscene::load
