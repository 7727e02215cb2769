// One StreamEvents call.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "polyscene/v1/training.pb.h"
#include "server/rpc/event_intake.h"
#include "server/sync/mutex.h"

namespace polyscene {

// Reads while few batches wait for the disk, acknowledges in the order of the batches, tells progress when the client
// has taken what was written before, and ends by the protocol of training.proto.
//
// Threads:  reactions come from gRPC's threads, Progress(), Wake() and appends' callbacks from others. All of
//           them change the state and then call Advance(), in which one at a time does what the state asks for.
// Lifetime: whoever may still call it holds a shared_ptr; `done` is called when gRPC lets go of it.
class EventStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                          public std::enable_shared_from_this<EventStream> {
 public:
  EventStream(EventIntake& intake, grpc::CallbackServerContext* context, std::function<void(EventStream*)> done);

  void Begin(const absl::Status& trainer);     // Once, when a shared_ptr holds it. trainer: its health now.
  void Progress(const absl::Status& trainer);  // Learning's positions have changed, or the trainer's health.
  void Wake();                                 // There may be room to read.
  void Stop();                                 // The server is stopping: acknowledges what was read, then ends.

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // A batch on its way to the disk, or an opening of an evaluation.
  struct Pending {
    bool done = false;
    absl::Status status;
    v1::StreamEventsResponse response;  // Empty for an opening, which nobody acknowledges.
  };
  enum class Action { kNothing, kRead, kWrite, kProgress, kFinish };

  absl::Status HandleMessage();  // What incoming_ holds.
  absl::Status HandleOpen();
  // name: the batch's field in the message. Moves from `batch`.
  template <typename Batch>
  absl::Status HandleBatch(absl::string_view name, Batch* batch);
  std::shared_ptr<Pending> AddPending();
  void CompletePending(Pending* pending, absl::Status status, v1::StreamEventsResponse response);

  void Advance();
  Action Next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool TakeAcknowledgement() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);  // Into response_; false if none is ready.
  bool Ended() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);                // Whether to end now; `end_` then says how.
  bool MayRead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Write(bool only_if_news);
  absl::Status TakeEnd();

  EventIntake& intake_;
  grpc::CallbackServerContext* const context_;  // Valid until Finish().
  const std::function<void(EventStream*)> done_;

  grpc::ByteBuffer incoming_;          // Belongs to gRPC while reading_, else to OnReadDone().
  v1::StreamEventsRequest request_;    // Belongs to OnReadDone(): what incoming_ held.
  v1::StreamEventsResponse response_;  // Belongs to whoever set writing_, until it is cleared, as is the next.
  grpc::ByteBuffer outgoing_;          // What response_ holds.
  std::string producer_;               // Set by the opening message, before anything that reads it can happen.

  Mutex mu_;
  bool reading_ ABSL_GUARDED_BY(mu_) = false;  // From the decision to read until OnReadDone() has handled it.
  bool writing_ ABSL_GUARDED_BY(mu_) = false;  // From the decision to write until OnWriteDone().
  bool driving_ ABSL_GUARDED_BY(mu_) = false;  // A thread is calling gRPC, in Advance(). Stays set from Finish() on.
  bool opened_ ABSL_GUARDED_BY(mu_) = false;
  bool wait_until_learned_ ABSL_GUARDED_BY(mu_) = false;
  bool half_closed_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool waiting_for_room_ ABSL_GUARDED_BY(mu_) = false;  // Wake() will come.
  bool progress_due_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<std::shared_ptr<Pending>> pending_ ABSL_GUARDED_BY(mu_);  // In the order they came.
  absl::Status failure_ ABSL_GUARDED_BY(mu_);  // Why the stream ends, once what came before it is acknowledged.
  absl::Status trainer_ ABSL_GUARDED_BY(mu_);  // Its health as last heard.
  std::optional<v1::Watermark> told_ ABSL_GUARDED_BY(mu_);  // The watermark last written.
  absl::Status end_ ABSL_GUARDED_BY(mu_);
};

}  // namespace polyscene
