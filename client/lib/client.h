// Calls of a Polyscene server, with deadlines and retries.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/lib/backoff.h"
#include "client/lib/health.h"
#include "client/lib/status_watch.h"
#include "grpcpp/channel.h"
#include "polyscene/v1/model_service.grpc.pb.h"
#include "polyscene/v1/prediction.grpc.pb.h"
#include "polyscene/v1/training.grpc.pb.h"

namespace polyscene::client {

struct ClientOptions {
  std::string server = "127.0.0.1:50051";          // HOST:PORT.
  absl::Duration timeout = absl::Seconds(10);      // Of one call, all its tries together.
  absl::Duration save_timeout = absl::Minutes(2);  // Likewise of SaveCheckpoint, which waits for a disk, and
                                                   // of PauseLearning, which waits for a step.
  BackoffOptions backoff;                          // Between the tries of one call.
};

// A connection to one server.
//
// A call that the server could not take (kUnavailable: not there, starting, stopping; kResourceExhausted: full) is
// tried again with growing, jittered delays until its timeout; every other error is returned at once, with the server's
// message. All these calls may be repeated safely, but for Backup(), which is tried once and without a timeout.
//
// Threads: any, at once. Calls block.
// Errors:  the server's status as it came; kDeadlineExceeded where the server took a call but did not answer in time. A
//          call that was tried until its timeout returns the last error, with the number of tries.
class Client {
 public:
  explicit Client(ClientOptions options);  // Connects at the first call.

  absl::StatusOr<v1::PredictResponse> Predict(const v1::PredictRequest& request);
  absl::StatusOr<v1::GetModelResponse> GetModel();

  // evaluation_of: a producer whose evaluation the answer is to have; empty: the recent window.
  absl::StatusOr<v1::GetStatusResponse> GetStatus(absl::string_view evaluation_of = "");
  absl::StatusOr<v1::SaveCheckpointResponse> SaveCheckpoint();
  absl::StatusOr<v1::PauseLearningResponse> PauseLearning();
  absl::StatusOr<v1::ResumeLearningResponse> ResumeLearning();
  // directory: an absolute path on the server's machine to nothing yet. Waits for a disk, as long as it takes.
  absl::StatusOr<v1::BackupResponse> Backup(absl::string_view directory);
  absl::StatusOr<v1::Watermark> GetWatermark(absl::string_view producer_id);

  // GetStatus's answer now and then every `interval`. Starts the call; errors come from its Next(), and nothing is
  // tried again here.
  std::unique_ptr<StatusWatch> WatchStatus(absl::string_view evaluation_of, absl::Duration interval);

  // Whether `service` serves, see CheckHealth: one try within options().timeout.
  absl::StatusOr<ServingStatus> Health(absl::string_view service = "");

  const ClientOptions& options() const { return options_; }

 private:
  // Calls `method` of `stub` until it succeeds, fails for good, or `timeout` is over.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request, absl::Duration timeout);

  const ClientOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  v1::PredictionService::Stub prediction_;
  v1::TrainingService::Stub training_;
  v1::ModelService::Stub model_;
};

}  // namespace polyscene::client
