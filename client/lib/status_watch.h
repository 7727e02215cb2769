// A server's state, told again and again.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"
#include "polyscene/v1/model_service.grpc.pb.h"

namespace polyscene::client {

// One WatchStatus call. It does not reconnect: whoever watches decides what an outage means.
//
// Threads: Next() from one thread at a time, Cancel() from any.
class StatusWatch {
 public:
  // The server answers at once and then every `interval` (0.1 s to 1 h; zero: 1 s). `evaluation_of` as in
  // Client::GetStatus. `stub` outlives this object.
  StatusWatch(v1::ModelService::Stub& stub, absl::string_view evaluation_of, absl::Duration interval);
  ~StatusWatch();  // Cancels.
  StatusWatch(const StatusWatch&) = delete;
  StatusWatch& operator=(const StatusWatch&) = delete;

  // Waits for the next answer, however long that takes. The first call connects. After the stream's end every call
  // returns how it ended:
  //   kUnavailable  the server is not there, stops, or ended the stream    kCancelled  Cancel() was called
  //   kNotFound, ..  as GetStatus
  absl::StatusOr<v1::GetStatusResponse> Next();

  void Cancel();  // Makes Next() return soon, also one that is still connecting.

 private:
  v1::ModelService::Stub& stub_;
  v1::WatchStatusRequest request_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::GetStatusResponse>> reader_;  // Null until the first Next().
  absl::Status end_;                                                   // OK until the stream has ended.
};

}  // namespace polyscene::client
