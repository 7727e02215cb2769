// Many predictions in flight on one stream, whatever happens to the connection or the server.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/lib/backoff.h"
#include "client/lib/stream_connection.h"
#include "grpcpp/channel.h"
#include "polyscene/v1/prediction.grpc.pb.h"

namespace polyscene::client {

struct PredictStreamOptions {
  std::string server = "127.0.0.1:50051";      // HOST:PORT.
  absl::Duration timeout = absl::Seconds(10);  // Of a request that names none, all its tries together.
  // A connection that answers nothing for this long while requests wait is given up for a new one.
  absl::Duration stall_timeout = absl::Seconds(30);
  BackoffOptions backoff;  // Between the tries of one request, and between connections.
  // Whether what was sent and not answered when the connection broke is sent again. Else it gets kUnavailable: the
  // server may have answered, and remembered, what never came here.
  bool send_again = true;
};

// A caller's stream of Predict requests to one server: less work for both than as many single calls.
//
// A request that the server could not take (kUnavailable, kResourceExhausted) is tried again with growing, jittered
// delays until its timeout; every other error is returned at once, with the server's message. Likewise the connection:
// when it breaks because the server goes away, a new one is made and what was not answered is sent again (send_again).
//
// Threads: any, at once.
// Errors:  as Client::Predict. Besides,
//   kDeadlineExceeded  no answer within the timeout
//   kCancelled         the PredictStream was destroyed
//   any other code     the server ended the stream with it: every request that was waiting gets it
class PredictStream {
 public:
  using Answer = absl::StatusOr<v1::PredictResponse>;
  using Done = std::function<void(Answer)>;

  explicit PredictStream(PredictStreamOptions options);  // Connects at the first request.
  ~PredictStream();  // Ends what is in flight with kCancelled; no Done runs afterwards.
  PredictStream(const PredictStream&) = delete;
  PredictStream& operator=(const PredictStream&) = delete;

  // Blocks until the answer. Not from a Done.
  Answer Predict(v1::PredictRequest request, std::optional<absl::Duration> timeout = std::nullopt);

  // Returns at once and calls `done` exactly once, from a thread that all answers share: it must not block, and not
  // destroy this object. May be called from a Done, but not from one that got kCancelled. Nothing bounds how many are
  // in flight: beyond the server's `max_stream_requests` they wait here.
  void PredictAsync(v1::PredictRequest request, Done done, std::optional<absl::Duration> timeout = std::nullopt);

  int64_t in_flight() const;    // Requests without an answer.
  int64_t connections() const;  // Streams opened: more than one means that it reconnected.

 private:
  using Clock = std::chrono::steady_clock;
  using Connection = StreamConnection<v1::PredictStreamRequest, v1::PredictStreamResponse>;

  enum class Place { kQueued, kSent, kResting };  // Resting: until its next try.

  struct Pending {
    std::shared_ptr<v1::PredictStreamRequest> message;
    Done done;
    Clock::time_point deadline;
    absl::Duration timeout;
    Place place = Place::kQueued;
    std::multimap<Clock::time_point, uint64_t>::iterator deadline_entry;  // In deadlines_.
    std::unique_ptr<Backoff> backoff;                                     // From its first refusal on.
    absl::Status last_error;
    int tries = 0;  // That ended in an error like last_error.
  };
  using PendingMap = std::unordered_map<uint64_t, Pending>;

  // Answers that are due, given once mu_ is let go.
  using Answers = std::vector<std::pair<Done, Answer>>;
  static void Give(Answers answers);

  void Run();        // Body of thread_: deadlines, retries and connections, until it is stopped.
  void WriteNext();  // Writes what is next, if there is a connection and nobody else writes.
  void OnResponse(v1::PredictStreamResponse& response);
  void OnWritten();
  std::shared_ptr<Connection> Connect();
  void CloseConnection(std::unique_lock<std::mutex>& lock, Answers& answers);

  // These expect the caller to hold mu_.
  void Resolve(PendingMap::iterator pending, Answer answer, Answers& answers);
  void Expire(Clock::time_point now, Answers& answers);
  void Wake(Clock::time_point now);  // Queues what has rested.
  void Refuse(PendingMap::iterator pending, absl::Status status, Answers& answers);
  void Break(const absl::Status& status, Answers& answers);  // The connection ended with `status`.
  void FailLargest(const absl::Status& status, Answers& answers);
  absl::Status GaveUp(const Pending& pending) const;
  bool Stalled(Clock::time_point now) const;
  Clock::time_point NextEvent() const;

  const PredictStreamOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  v1::PredictionService::Stub stub_;

  mutable std::mutex mu_;            // Guards everything below but thread_.
  std::condition_variable changed_;  // Something that thread_ acts on.
  bool stopping_ = false;
  uint64_t last_id_ = 0;
  PendingMap pending_;  // By id. What follows may name ids that are no longer there.
  std::deque<uint64_t> queue_;
  std::multimap<Clock::time_point, uint64_t> deadlines_;
  std::multimap<Clock::time_point, uint64_t> resting_;

  std::shared_ptr<Connection> connection_;  // Null: none.
  // Somebody is between taking a message and gRPC's word that it is written: Close() and the next Write() wait for it.
  bool writing_ = false;
  bool ended_ = false;               // connection_ is to be closed.
  int64_t unanswered_ = 0;           // Messages of this connection without an answer, expired ones included.
  Clock::time_point last_progress_;  // An answer, or a message written while none was unanswered.
  absl::Status trouble_;             // How the last connection ended, until the server answers again.
  Clock::time_point connect_at_;     // Not before.
  Backoff connect_backoff_;
  int64_t connections_ = 0;
  Clock::time_point wakes_at_ = Clock::time_point::max();  // When thread_ looks again unless it is told to.

  std::thread thread_;  // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene::client
