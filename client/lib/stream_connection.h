// One bidirectional call, without any notion of what it carries.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "client/lib/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"

namespace polyscene::client {

// What a StreamConnection tells its owner. Each comes from gRPC's threads, one call of it at a time.
template <typename Response>
struct StreamListener {
  std::function<void(Response&)> on_response;  // May be moved from.
  std::function<void()> on_written;            // The message given to Write() is taken, or the stream has ended.
  std::function<void()> on_end;                // Nothing more will come back. Called once.
};

// Writes one message at a time, without blocking, and hands over what comes back.
//
// Threads: Write() and HalfClose() one at a time, from any thread, also from the listener's; Cancel(), CanWrite() and
//          Ended() from any. Close() from a thread of the owner, when no other call is under way or will follow. gRPC
//          may call the listener from within Write(): the owner holds no lock then that the listener takes. Destroyed
//          after Close() alone.
template <typename RequestType, typename ResponseType>
class StreamConnection {
 public:
  using Request = std::shared_ptr<const RequestType>;
  using Reactor = grpc::ClientBidiReactor<RequestType, ResponseType>;
  // Starts the call, e.g. [&](auto* context, auto* reactor) { stub.async()->StreamEvents(context, reactor); }.
  using Start = std::function<void(grpc::ClientContext*, Reactor*)>;

  StreamConnection(const Start& start, StreamListener<ResponseType> listener) : call_(std::move(listener)) {
    call_.Begin(start);
  }

  void Write(Request request) { call_.Write(std::move(request)); }  // Only if CanWrite().
  void HalfClose() { call_.HalfClose(); }                           // Likewise, once; nothing is written afterwards.
  bool CanWrite() const { return call_.CanWrite(); }                // Nothing is being written; it has not ended.
  bool Ended() const { return call_.Ended(); }                      // Nothing more will come back.
  void Cancel() { call_.Cancel(); }                                 // Ends soon; Close() is still to be called.

  // Ends the call, at once if `cancel`, else once the server ends it too, and returns how it ended. Blocks for that.
  absl::Status Close(bool cancel) { return call_.Close(cancel); }

 private:
  class Call final : public Reactor {
   public:
    explicit Call(StreamListener<ResponseType> listener) : listener_(std::move(listener)) {}

    void Begin(const Start& start) {
      start(&context_, this);
      this->AddHold();  // Writes start outside of reactions: OnDone() must wait for the last of them, see Close().
      this->StartRead(&response_);
      this->StartCall();
    }

    void Write(Request request) {
      const RequestType* const message = request.get();
      {
        std::lock_guard<std::mutex> lock(mu_);
        writing_ = std::move(request);
      }
      this->StartWrite(message);
    }

    void HalfClose() {
      {
        std::lock_guard<std::mutex> lock(mu_);
        half_closed_ = true;
      }
      this->StartWritesDone();
    }

    bool CanWrite() const {
      std::lock_guard<std::mutex> lock(mu_);
      return writing_ == nullptr && !half_closed_ && !ended_;
    }

    bool Ended() const {
      std::lock_guard<std::mutex> lock(mu_);
      return ended_;
    }

    void Cancel() { context_.TryCancel(); }

    absl::Status Close(bool cancel) {
      if (cancel) context_.TryCancel();
      this->RemoveHold();
      std::unique_lock<std::mutex> lock(mu_);
      done_changed_.wait(lock, [this] { return done_; });
      return FromGrpc(status_);
    }

    void OnWriteDone(bool ok) override {
      {
        std::lock_guard<std::mutex> lock(mu_);
        writing_ = nullptr;
        if (!ok) ended_ = true;
      }
      listener_.on_written();
    }

    void OnReadDone(bool ok) override {
      if (ok) {
        listener_.on_response(response_);
        this->StartRead(&response_);
        return;
      }
      {
        std::lock_guard<std::mutex> lock(mu_);
        ended_ = true;
      }
      listener_.on_end();
    }

    void OnDone(const grpc::Status& status) override {
      // Notified under the lock: Close() returns, and this object may be gone, as soon as it is released.
      std::lock_guard<std::mutex> lock(mu_);
      status_ = status;
      done_ = true;
      done_changed_.notify_all();
    }

   private:
    const StreamListener<ResponseType> listener_;
    grpc::ClientContext context_;
    ResponseType response_;  // Belongs to gRPC while a read is under way.

    mutable std::mutex mu_;  // Guards everything below.
    std::condition_variable done_changed_;
    Request writing_;  // Kept until gRPC has taken it: the owner may let go of it before.
    bool half_closed_ = false;
    bool ended_ = false;
    bool done_ = false;
    grpc::Status status_;
  };

  Call call_;
};

}  // namespace polyscene::client
