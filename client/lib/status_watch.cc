#include "client/lib/status_watch.h"

#include "client/lib/channel.h"

namespace polyscene::client {

StatusWatch::StatusWatch(v1::ModelService::Stub& stub, absl::string_view evaluation_of, absl::Duration interval)
    : stub_(stub) {
  request_.set_evaluation_of(std::string(evaluation_of));
  request_.set_interval_seconds(absl::ToDoubleSeconds(interval));
}

StatusWatch::~StatusWatch() {
  if (reader_ == nullptr || !end_.ok()) return;
  Cancel();
  while (Next().ok()) {
  }
}

absl::StatusOr<v1::GetStatusResponse> StatusWatch::Next() {
  if (!end_.ok()) return end_;
  // Not in the constructor: making the reader waits for the connection, which Cancel() must be able to end.
  if (reader_ == nullptr) reader_ = stub_.WatchStatus(&context_, request_);
  v1::GetStatusResponse response;
  if (reader_->Read(&response)) return response;
  end_ = FromGrpc(reader_->Finish());
  if (end_.ok()) end_ = absl::UnavailableError("the server ended the stream");
  return end_;
}

void StatusWatch::Cancel() { context_.TryCancel(); }

}  // namespace polyscene::client
