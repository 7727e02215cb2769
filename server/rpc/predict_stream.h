// One PredictStream call.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "polyscene/v1/prediction.pb.h"
#include "server/batching/batcher.h"
#include "server/metrics/metrics.h"
#include "server/rpc/predict_call.h"
#include "server/sync/mutex.h"

namespace polyscene {

// Reads while few requests are unanswered, hands each to the batcher, and writes the answers one after the other in the
// order in which they come back. A request counts as unanswered until gRPC has taken its answer, so a client that does
// not read is not read from either; its id is free again a moment earlier, before the client can see the answer.
//
// Threads:  reactions come from gRPC's threads, answers from the batcher's, Stop() from another. All of them change the
//           state and then call Advance(), in which one at a time does what the state asks for. While one thread
//           validates a request, another may read the next.
// Lifetime: whoever may still call it holds a shared_ptr; `done` is called when gRPC lets go of it. The other arguments
//           outlive all of these.
class PredictStreamCall final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                                public std::enable_shared_from_this<PredictStreamCall> {
 public:
  PredictStreamCall(const PredictOptions& options, Batcher& batcher, Metrics& metrics,
                    grpc::CallbackServerContext* context, std::function<void(PredictStreamCall*)> done);

  void Begin() { Advance(); }  // Once, when a shared_ptr holds it.
  void Stop();                 // The server is stopping: answers what was read, then ends.

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  struct Request {
    v1::PredictStreamRequest message;
    PredictInput input;  // Borrows from `message`.
    const absl::Time arrived = absl::Now();
    absl::Time scored = absl::InfinitePast();  // Before there are scores, or where there are none.
    bool duplicate = false;
    v1::PredictStreamResponse response;
  };
  struct Answer {
    uint64_t id = 0;
    bool frees_id = true;  // Not where the id is another request's.
    grpc::ByteBuffer bytes;
  };
  enum class Action { kNothing, kRead, kWrite, kFinish };

  bool Admit(const absl::Status& decoded, Request* request);  // False: there is nothing to handle.
  void Handle(std::shared_ptr<Request> request);
  absl::Status Check(Request* request) const;
  absl::Time DeadlineOf(const Request& request) const;
  void Complete(const std::shared_ptr<Request>& request, const absl::StatusOr<ScoredRequest>& scored);
  void Give(const Request& request, const absl::Status& status);  // The request's response is filled.

  void Advance();
  Action Next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Ended() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);  // Whether to end now; `end_` then says how.
  absl::Status TakeEnd();

  const PredictOptions& options_;
  Batcher& batcher_;
  Metrics& metrics_;
  grpc::CallbackServerContext* const context_;  // Valid until Finish().
  const absl::Time deadline_;                   // The stream's own.
  const std::function<void(PredictStreamCall*)> done_;

  grpc::ByteBuffer incoming_;  // Belongs to gRPC while reading_, else to OnReadDone().
  grpc::ByteBuffer outgoing_;  // Belongs to whoever set writing_, until it is cleared.

  Mutex mu_;
  bool reading_ ABSL_GUARDED_BY(mu_) = false;  // From the decision to read until OnReadDone() has taken the message.
  bool writing_ ABSL_GUARDED_BY(mu_) = false;  // From the decision to write until OnWriteDone().
  bool driving_ ABSL_GUARDED_BY(mu_) = false;  // A thread is calling gRPC, in Advance(). Stays set from Finish() on.
  bool half_closed_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  int unanswered_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_set<uint64_t> ids_ ABSL_GUARDED_BY(mu_);  // Of the unanswered, until their answer is being written.
  std::deque<Answer> answers_ ABSL_GUARDED_BY(mu_);         // To write.
  absl::Status failure_ ABSL_GUARDED_BY(mu_);  // Why the stream ends, once what came before it is answered.
  absl::Status end_ ABSL_GUARDED_BY(mu_);
};

}  // namespace polyscene
