#include "client/lib/status_watch.h"

#include "client/lib/channel.h"

namespace polyscene::client {
namespace {

v1::WatchStatusRequest WatchRequest(absl::string_view evaluation_of, absl::Duration interval) {
  v1::WatchStatusRequest request;
  request.set_evaluation_of(std::string(evaluation_of));
  request.set_interval_seconds(absl::ToDoubleSeconds(interval));
  return request;
}

}  // namespace

StatusWatch::StatusWatch(v1::ModelService::Stub& stub, absl::string_view evaluation_of, absl::Duration interval)
    : reader_(stub.WatchStatus(&context_, WatchRequest(evaluation_of, interval))) {}

StatusWatch::~StatusWatch() {
  if (!end_.ok()) return;
  Cancel();
  while (Next().ok()) {
  }
}

absl::StatusOr<v1::GetStatusResponse> StatusWatch::Next() {
  if (!end_.ok()) return end_;
  v1::GetStatusResponse response;
  if (reader_->Read(&response)) return response;
  end_ = FromGrpc(reader_->Finish());
  if (end_.ok()) end_ = absl::UnavailableError("the server ended the stream");
  return end_;
}

void StatusWatch::Cancel() { context_.TryCancel(); }

}  // namespace polyscene::client
