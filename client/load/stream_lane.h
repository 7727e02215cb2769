// One PredictStream with many requests in flight, opened again when it breaks.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "client/load/caller.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "polyscene/v1/prediction.grpc.pb.h"

namespace polyscene::load {

// Threads: Start() and CancelAll() from any; OnEvent() from the one that reads the queue.
class StreamLane {
 public:
  // What the queue's tags point to.
  struct Tag {
    StreamLane* lane;
    enum { kOpened, kWritten, kRead, kClosed, kFinished } kind;
  };

  StreamLane(std::shared_ptr<grpc::Channel> channel, grpc::CompletionQueue* queue);

  // request: a serialized PredictRequest. The server keeps the timeout, from the request's arrival on.
  void Start(const grpc::Slice& request, absl::Duration timeout, Caller::Done done);
  void CancelAll();

  // Ends the stream in order, or, after a moment, at once. The queue must still be read.
  void Close();

  void OnEvent(const Tag& tag, bool ok);

 private:
  using Told = std::pair<Caller::Done, CallOutcome>;  // What to call, and with what.
  using Stub = grpc::TemplatedGenericStub<grpc::ByteBuffer, v1::PredictStreamResponse>;

  // The rest expects the caller to hold mu_.
  void Open();
  void WriteNext();
  void Finish();
  void End(std::vector<Told>& told);  // Once the stream's status and all its tags are there.
  Caller::Done Take(uint64_t id);

  Stub stub_;
  grpc::CompletionQueue* const queue_;
  Tag opened_{this, Tag::kOpened}, written_{this, Tag::kWritten}, read_{this, Tag::kRead}, closed_{this, Tag::kClosed},
      finished_{this, Tag::kFinished};

  std::mutex mu_;                  // Guards everything below.
  std::condition_variable ended_;  // state_ became kNone.
  enum { kNone, kOpening, kOpen, kFinishing } state_ = kNone;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<grpc::ByteBuffer, v1::PredictStreamResponse>> stream_;
  v1::PredictStreamResponse response_;
  grpc::Status status_;
  bool has_status_ = false;
  std::deque<grpc::ByteBuffer> to_write_;
  int writing_ = 0;       // Writes and half-closes whose tag has not come: at most one.
  bool closing_ = false;  // Half-close once all is written.
  bool half_closed_ = false;
  uint64_t last_id_ = 0;
  std::unordered_map<uint64_t, Caller::Done> pending_;
};

}  // namespace polyscene::load
