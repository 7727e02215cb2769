#include "client/lib/stream_connection.h"

#include <condition_variable>
#include <utility>

#include "client/lib/channel.h"
#include "grpcpp/support/client_callback.h"

namespace polyscene::client {

class StreamConnection::Reactor final
    : public grpc::ClientBidiReactor<v1::StreamEventsRequest, v1::StreamEventsResponse> {
 public:
  Reactor(v1::TrainingService::Stub& stub, std::function<void(const v1::StreamEventsResponse&)> on_response,
          std::function<void()> on_change)
      : on_response_(std::move(on_response)), on_change_(std::move(on_change)) {
    stub.async()->StreamEvents(&context_, this);
    AddHold();  // Writes start outside of reactions: OnDone() must wait for the last of them, see Close().
    StartRead(&response_);
    StartCall();
  }

  void Write(Request request) {
    const v1::StreamEventsRequest* const message = request.get();
    {
      std::lock_guard<std::mutex> lock(mu_);
      writing_ = std::move(request);
    }
    StartWrite(message);
  }

  void HalfClose() {
    {
      std::lock_guard<std::mutex> lock(mu_);
      half_closed_ = true;
    }
    StartWritesDone();
  }

  bool CanWrite() const {
    std::lock_guard<std::mutex> lock(mu_);
    return writing_ == nullptr && !half_closed_ && !ended_;
  }

  bool Ended() const {
    std::lock_guard<std::mutex> lock(mu_);
    return ended_;
  }

  absl::Status Close(bool cancel) {
    if (cancel) context_.TryCancel();
    RemoveHold();
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
    on_change_();
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      on_response_(response_);
      StartRead(&response_);
      return;
    }
    {
      std::lock_guard<std::mutex> lock(mu_);
      ended_ = true;
    }
    on_change_();
  }

  void OnDone(const grpc::Status& status) override {
    // Notified under the lock: Close() returns, and this object may be gone, as soon as it is released.
    std::lock_guard<std::mutex> lock(mu_);
    status_ = status;
    done_ = true;
    done_changed_.notify_all();
  }

 private:
  const std::function<void(const v1::StreamEventsResponse&)> on_response_;
  const std::function<void()> on_change_;
  grpc::ClientContext context_;
  v1::StreamEventsResponse response_;  // Belongs to gRPC while a read is under way.

  mutable std::mutex mu_;  // Guards everything below.
  std::condition_variable done_changed_;
  Request writing_;  // Kept until gRPC has taken it: its batch may be acknowledged, and let go, before.
  bool half_closed_ = false;
  bool ended_ = false;
  bool done_ = false;
  grpc::Status status_;
};

StreamConnection::StreamConnection(v1::TrainingService::Stub& stub,
                                   std::function<void(const v1::StreamEventsResponse&)> on_response,
                                   std::function<void()> on_change)
    : reactor_(std::make_unique<Reactor>(stub, std::move(on_response), std::move(on_change))) {}

StreamConnection::~StreamConnection() = default;

void StreamConnection::Write(Request request) { reactor_->Write(std::move(request)); }
void StreamConnection::HalfClose() { reactor_->HalfClose(); }
bool StreamConnection::CanWrite() const { return reactor_->CanWrite(); }
bool StreamConnection::Ended() const { return reactor_->Ended(); }
absl::Status StreamConnection::Close(bool cancel) { return reactor_->Close(cancel); }

}  // namespace polyscene::client
