// A server's state, told again and again, whatever happens to the connection or the server.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/lib/client.h"

namespace polyscene::cli {

struct FollowerOptions {
  std::string server = "127.0.0.1:50051";      // HOST:PORT.
  std::string evaluation_of;                   // As in Client::GetStatus.
  absl::Duration interval = absl::Seconds(1);  // Between answers.
  // A connection that tells nothing for this long beyond the interval is given up for a new one.
  absl::Duration silence = absl::Seconds(10);
  // A try of a server that is not there costs next to nothing, and the channel has delays of its own.
  client::BackoffOptions backoff = {.initial = absl::Milliseconds(100), .maximum = absl::Milliseconds(500)};
};

// One thing that came: an answer, or why there is none for now.
struct StatusNews {
  absl::StatusOr<v1::GetStatusResponse> answer;
  absl::Time at;
};

// Watches one server from a thread of its own; after each end of the stream, whatever it was, it begins a new one.
// Threads: any.
class StatusFollower {
 public:
  // `on_news` is called from the follower's thread after each piece of news, and must not block or call back.
  StatusFollower(FollowerOptions options, std::function<void()> on_news);
  ~StatusFollower();
  StatusFollower(const StatusFollower&) = delete;
  StatusFollower& operator=(const StatusFollower&) = delete;

  // What came since the last call, oldest first. To be called now and then, news or not: here a silent connection is
  // noticed. What is not taken is kept up to a bound; then the oldest goes.
  std::vector<StatusNews> Take();

 private:
  void Run();  // Body of thread_.
  void Report(absl::StatusOr<v1::GetStatusResponse> answer);

  const FollowerOptions options_;
  const std::function<void()> on_news_;
  client::Client client_;

  std::mutex mu_;  // Guards everything below but thread_.
  std::condition_variable stop_changed_;
  bool stopping_ = false;
  std::shared_ptr<client::StatusWatch> watch_;  // Of the current connection.
  bool silent_ = false;                         // It was given up.
  absl::Time last_news_;                        // Or when the current connection began.
  std::vector<StatusNews> news_;

  std::thread thread_;  // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene::cli
