// A producer of events that loses none and doubles none, whatever happens to the connection or the server.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/lib/backoff.h"
#include "client/lib/stream_connection.h"
#include "grpcpp/channel.h"
#include "polyscene/v1/training.grpc.pb.h"

namespace polyscene::client {

struct EventStreamOptions {
  std::string server = "127.0.0.1:50051";  // HOST:PORT.
  std::string producer_id;                 // Stable across restarts of the producer; 1 to 64 bytes.
  // Opens an evaluation of the rows whose event time is at or after it, see OpenStream.
  std::optional<int64_t> evaluate_from_micros;

  // Send() blocks while this much is not acknowledged: what a broken connection makes us keep and send again.
  int64_t window_batches = 64;
  int64_t window_bytes = 32 << 20;

  // How long to go on trying while nothing is acknowledged. A server whose log is full is tried for ever: it answers.
  absl::Duration give_up_after = absl::Minutes(5);
  // A connection that acknowledges nothing for this long while batches wait is given up for a new one.
  absl::Duration stall_timeout = absl::Seconds(60);
  absl::Duration call_timeout = absl::Seconds(10);  // Of a GetWatermark call.
  absl::Duration poll_interval = absl::Seconds(1);  // Between questions for what is learned, while nothing is told.
  BackoffOptions backoff;                           // Between connections.
  bool measure_freshness = false;                   // For TakeServed().
};

// How far a batch has come.
enum class Milestone { kLogged, kLearned, kServed };

struct StreamProgress {
  int64_t rows_sent = 0;  // Given to Send().
  // Of those, in batches that the server had from an earlier run of this producer: they were not sent again.
  int64_t rows_known = 0;
  int64_t rows_accepted = 0;           // Of the others: acknowledged as durable and good.
  int64_t rows_rejected = 0;           // Acknowledged as refused.
  int64_t rows_logged = 0;             // Rows of batches (refused rows included) that are durable,
  int64_t rows_learned = 0;            // in the trainer's weights,
  int64_t rows_served = 0;             // in the weights that answer.
  uint64_t acknowledged_sequence = 0;  // The refused rows of batches up to here are known.
  int64_t connections = 0;             // Streams opened: more than one means that it reconnected.
  bool connected = false;
  std::string trouble;  // The last connection's error, until the server answers again.
};

// A row that the server refused.
struct RejectedEvent {
  uint64_t sequence = 0;  // Of its batch, as Send() returned it.
  uint32_t row = 0;       // Within the batch, from 0; of exposures, their rows are counted through.
  std::string reason;     // A short fixed word.
  std::string message;
  bool whole_batch = false;  // It stands for every row of the batch.
};

// A batch whose rows are in the weights that answer.
struct ServedBatch {
  uint64_t sequence = 0;
  int64_t rows = 0;             // Refused ones included.
  absl::Duration after_logged;  // From its acknowledgement to the word that it is served, as they came here.
};

// Streams batches of one producer to a server. Batches are numbered 1, 2, .. as they are given; a producer that is
// restarted gives the same batches again, and those that the server has are passed over.
//
// When the connection breaks (the server restarts, the network fails) it reconnects with growing delays, asks how far
// the server got and sends again what was not acknowledged. A batch that is durable, but whose acknowledgement was
// lost, is among that: the server takes no row twice, and only its answer tells which rows it refused.
//
// Threads: Send() and Finish() from one thread at a time, everything else from any.
// Errors:  once broken for good, every call returns the same error:
//   kInvalidArgument, kUnauthenticated, ...  the server's own, when trying again cannot help
//   kUnavailable  the server took nothing for `give_up_after`; the message has the last error
//   kDataLoss     the server has lost batches that it had acknowledged (another data directory?)
class EventStream {
 public:
  explicit EventStream(EventStreamOptions options);  // Connects in the background.
  ~EventStream();                                    // Drops what is not acknowledged: Finish() first.
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  // Each takes `batch` over, gives it the next sequence (there is one for batches of every kind), and returns that.
  // Blocks while the window is full.
  absl::StatusOr<uint64_t> Send(v1::EventBatch batch);     // Features and labels together.
  absl::StatusOr<uint64_t> Send(v1::LabelBatch batch);     // Labels of requests that Predict remembered.
  absl::StatusOr<uint64_t> Send(v1::ExposureBatch batch);  // Which rows of them were shown.

  // Waits until every batch given so far has come as far as `milestone`, or until `deadline`: kDeadlineExceeded, and it
  // may be called again.
  absl::Status WaitFor(Milestone milestone, absl::Time deadline = absl::InfiniteFuture());

  // The same, until at most `rows` of the rows given so far are not served yet.
  absl::Status WaitUntilUnserved(int64_t rows, absl::Time deadline = absl::InfiniteFuture());

  // WaitFor(), then ends the stream in order. Nothing can be sent afterwards.
  absl::Status Finish(Milestone milestone, absl::Time deadline = absl::InfiniteFuture());

  StreamProgress progress() const;

  // The rows refused since the last call, each exactly once, in the order of their batches. Take them now and then:
  // they are kept until then.
  std::vector<RejectedEvent> TakeRejected();

  // With measure_freshness: the batches that came to be served since the last call, in their order. Likewise kept until
  // then.
  std::vector<ServedBatch> TakeServed();

 private:
  using Connection = StreamConnection<v1::StreamEventsRequest, v1::StreamEventsResponse>;

  struct Pending {
    uint64_t sequence = 0;
    int64_t rows = 0;
    int64_t bytes = 0;
    bool acknowledged = false;
    Connection::Request request;
  };

  template <typename Done>
  absl::Status WaitUntil(const Done& done, absl::Time deadline);
  absl::StatusOr<uint64_t> Send(int64_t rows, std::shared_ptr<v1::StreamEventsRequest> request);
  void Run();  // Body of thread_: one connection after the other, until it is stopped, finished or failed.
  absl::Status RunConnection();  // Returns why the connection ended.
  absl::Status Stream(Connection& connection);
  absl::StatusOr<v1::Watermark> AskWatermark();
  bool HandleEnd(absl::Status status, Backoff& backoff);  // Waits before the next connection; false: there is none.

  // The rest expects the caller to hold mu_.
  absl::Status ApplyFirstWatermark(const v1::Watermark& watermark);  // Of a new connection.
  void ApplyProgress(const v1::Watermark& watermark);
  void NoteServed();
  void ApplyResponse(const v1::StreamEventsResponse& response);
  void Acknowledge(const v1::StreamEventsResponse& response);
  void MarkWell();
  const Pending* NextToWrite() const;
  int64_t RowsUpTo(uint64_t sequence) const;
  bool Reached(Milestone milestone) const;
  bool WindowFull() const;

  const EventStreamOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  v1::TrainingService::Stub stub_;

  mutable std::mutex mu_;            // Guards everything below but thread_.
  std::condition_variable changed_;  // Any of it.
  absl::Status error_;               // For good.
  bool stopping_ = false;            // The destructor waits.
  bool finishing_ = false;           // Finish() has what it waited for: end the stream in order.
  bool closed_ = false;              // Run() has returned.
  uint64_t last_sequence_ = 0;       // Given by Send().
  std::deque<Pending> pending_;      // Not acknowledged, by sequence without gaps.
  int64_t pending_bytes_ = 0;
  uint64_t written_ = 0;    // The last sequence written on the current connection.
  bool contacted_ = false;  // The server has said once where this producer stands.
  uint64_t known_ = 0;      // Logged before this object existed.
  uint64_t durable_ = 0;    // The server has said that everything up to here is.
  uint64_t learned_ = 0;    // As last said: a server that crashed goes back to its checkpoint.
  uint64_t served_ = 0;     // Likewise.
  // Rows of all batches up to sequence first_total_ + i. What is served is let go of.
  std::deque<int64_t> total_rows_ = {0};
  uint64_t first_total_ = 0;
  std::vector<RejectedEvent> rejected_;
  struct Logged {
    uint64_t sequence = 0;
    int64_t rows = 0;
    absl::Time at;
  };
  std::deque<Logged> logged_;  // Acknowledged here and not served yet; of batches in their order.
  std::vector<ServedBatch> newly_served_;
  StreamProgress progress_;
  absl::Time last_answer_;                             // Or when a batch began to wait for one.
  absl::Time trouble_since_ = absl::InfiniteFuture();  // Nothing was taken since; InfiniteFuture(): all is well.
  int failures_ = 0;                                   // Connections that ended, not by an outage, since all was well.

  std::thread thread_;  // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene::client
