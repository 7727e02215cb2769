#include "client/lib/client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/lib/channel.h"
#include "grpcpp/client_context.h"

namespace polyscene::client {
namespace {

// Nobody here cancels these calls: CANCELLED is how gRPC ends one that reaches a server at the moment it stops.
bool WorthRetrying(grpc::StatusCode code) {
  return code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::RESOURCE_EXHAUSTED ||
         code == grpc::StatusCode::CANCELLED;
}

}  // namespace

Client::Client(ClientOptions options)
    : options_(std::move(options)),
      channel_(MakeChannel(options_.server)),
      prediction_(channel_),
      training_(channel_),
      model_(channel_) {}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Client::Call(Stub& stub,
                                      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                      const Request& request, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  Backoff backoff(options_.backoff);
  grpc::Status refusal;  // Of the last try that was worth another one.
  for (int tries = 1;; ++tries) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (status.ok()) return response;
    // That the last try came too late to be refused once more tells less than why it was needed.
    const bool cut_short = !refusal.ok() && status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
    if (!cut_short && !WorthRetrying(status.error_code())) return FromGrpc(status);
    if (!cut_short) refusal = status;
    const absl::Duration delay = backoff.Next();
    if (cut_short || absl::Now() + delay >= deadline) {
      return absl::Status(
          FromGrpc(refusal).code(),
          absl::StrCat("server ", options_.server, ": ", refusal.error_message(), " (gave up after ", tries,
                       tries == 1 ? " try" : " tries", " in ", absl::FormatDuration(timeout), ")"));
    }
    absl::SleepFor(delay);
  }
}

absl::StatusOr<v1::PredictResponse> Client::Predict(const v1::PredictRequest& request) {
  return Call(prediction_, &v1::PredictionService::Stub::Predict, request, options_.timeout);
}

absl::StatusOr<v1::GetModelResponse> Client::GetModel() {
  return Call(model_, &v1::ModelService::Stub::GetModel, v1::GetModelRequest(), options_.timeout);
}

absl::StatusOr<v1::GetStatusResponse> Client::GetStatus(absl::string_view evaluation_of) {
  v1::GetStatusRequest request;
  request.set_evaluation_of(std::string(evaluation_of));
  return Call(model_, &v1::ModelService::Stub::GetStatus, request, options_.timeout);
}

absl::StatusOr<v1::SaveCheckpointResponse> Client::SaveCheckpoint() {
  return Call(model_, &v1::ModelService::Stub::SaveCheckpoint, v1::SaveCheckpointRequest(), options_.save_timeout);
}

absl::StatusOr<v1::PauseLearningResponse> Client::PauseLearning() {
  return Call(model_, &v1::ModelService::Stub::PauseLearning, v1::PauseLearningRequest(), options_.save_timeout);
}

absl::StatusOr<v1::ResumeLearningResponse> Client::ResumeLearning() {
  return Call(model_, &v1::ModelService::Stub::ResumeLearning, v1::ResumeLearningRequest(), options_.timeout);
}

absl::StatusOr<v1::BackupResponse> Client::Backup(absl::string_view directory) {
  v1::BackupRequest request;
  request.set_directory(std::string(directory));
  grpc::ClientContext context;  // Not tried again: what a first try has begun would be in the way of a second.
  v1::BackupResponse response;
  const grpc::Status status = model_.Backup(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

std::unique_ptr<StatusWatch> Client::WatchStatus(absl::string_view evaluation_of, absl::Duration interval) {
  return std::make_unique<StatusWatch>(model_, evaluation_of, interval);
}

absl::StatusOr<ServingStatus> Client::Health(absl::string_view service) {
  return CheckHealth(channel_, service, options_.timeout);
}

absl::StatusOr<v1::Watermark> Client::GetWatermark(absl::string_view producer_id) {
  v1::GetWatermarkRequest request;
  request.set_producer_id(std::string(producer_id));
  return Call(training_, &v1::TrainingService::Stub::GetWatermark, request, options_.timeout);
}

}  // namespace polyscene::client
