// One StreamEvents call, without any notion of what it carries.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "absl/status/status.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "polyscene/v1/training.grpc.pb.h"

namespace polyscene::client {

// Writes one message at a time, without blocking, and hands over what comes back.
//
// Threads: its owner's one thread calls; `on_response` and `on_change` come from gRPC's threads, one at a time each,
// and must not call
//          back into this object.
class StreamConnection {
 public:
  using Request = std::shared_ptr<const v1::StreamEventsRequest>;

  // on_change: CanWrite() or Ended() may have become true.
  StreamConnection(v1::TrainingService::Stub& stub, std::function<void(const v1::StreamEventsResponse&)> on_response,
                   std::function<void()> on_change);
  ~StreamConnection();  // After Close().

  void Write(Request request);  // Only if CanWrite().
  void HalfClose();             // Likewise, once; nothing is written afterwards.
  bool CanWrite() const;        // Nothing is being written and the stream has not ended.
  bool Ended() const;           // Nothing more will come back.

  // Ends the call, at once if `cancel`, else once the server ends it too, and returns how it ended. Blocks for that.
  absl::Status Close(bool cancel);

 private:
  class Reactor;
  std::unique_ptr<Reactor> reactor_;
};

}  // namespace polyscene::client
