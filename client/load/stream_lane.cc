#include "client/load/stream_lane.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "client/lib/channel.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/wire_format_lite.h"
#include "grpcpp/support/slice.h"

namespace polyscene::load {
namespace {

constexpr std::chrono::seconds kCloseMoment{1};

// A PredictStreamRequest around a request that is serialized already: its own fields and the request's length before
// the bytes, which are shared, not copied.
grpc::ByteBuffer Wrap(uint64_t id, absl::Duration timeout, const grpc::Slice& request) {
  using google::protobuf::internal::WireFormatLite;
  using Message = v1::PredictStreamRequest;
  std::string head;
  {
    google::protobuf::io::StringOutputStream stream(&head);
    google::protobuf::io::CodedOutputStream out(&stream);
    WireFormatLite::WriteUInt64(Message::kIdFieldNumber, id, &out);
    WireFormatLite::WriteUInt32(
        Message::kTimeoutMillisecondsFieldNumber,
        static_cast<uint32_t>(std::clamp<int64_t>(absl::ToInt64Milliseconds(timeout), 1, UINT32_MAX)), &out);
    WireFormatLite::WriteTag(Message::kRequestFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED, &out);
    out.WriteVarint32(static_cast<uint32_t>(request.size()));
  }
  const grpc::Slice slices[] = {grpc::Slice(head), request};
  return grpc::ByteBuffer(slices, 2);
}

CallOutcome OutcomeOf(const v1::PredictStreamResponse& response) {
  if (response.has_error()) {
    return {absl::Status(static_cast<absl::StatusCode>(response.error().code()), response.error().message())};
  }
  return {absl::OkStatus(), response.response().model().version()};
}

}  // namespace

StreamLane::StreamLane(std::shared_ptr<grpc::Channel> channel, grpc::CompletionQueue* queue)
    : stub_(std::move(channel)), queue_(queue) {}

void StreamLane::Start(const grpc::Slice& request, absl::Duration timeout, Caller::Done done) {
  std::lock_guard<std::mutex> lock(mu_);
  const uint64_t id = ++last_id_;
  pending_.emplace(id, std::move(done));
  to_write_.push_back(Wrap(id, timeout, request));
  if (state_ == kNone) Open();
  WriteNext();
}

void StreamLane::Open() {
  state_ = kOpening;
  half_closed_ = false;
  context_ = std::make_unique<grpc::ClientContext>();
  stream_ = stub_.PrepareCall(context_.get(), "/polyscene.v1.PredictionService/PredictStream", queue_);
  stream_->StartCall(&opened_);
}

void StreamLane::WriteNext() {
  if (state_ != kOpen || writing_ > 0 || half_closed_) return;
  if (!to_write_.empty()) {
    ++writing_;
    stream_->Write(to_write_.front(), &written_);
    to_write_.pop_front();
  } else if (closing_) {
    ++writing_;
    half_closed_ = true;
    stream_->WritesDone(&closed_);
  }
}

void StreamLane::Finish() {
  state_ = kFinishing;
  stream_->Finish(&status_, &finished_);
}

void StreamLane::End(std::vector<Told>& told) {
  if (!has_status_ || writing_ > 0) return;
  // What is in flight is lost with its stream; the next request opens another.
  absl::Status status = client::FromGrpc(status_);
  if (status.ok()) status = absl::UnavailableError("the server ended the stream");
  for (auto& [id, done] : pending_) told.emplace_back(std::move(done), CallOutcome{status});
  pending_.clear();
  to_write_.clear();
  stream_ = nullptr;  // Before the context, which owns its memory.
  context_ = nullptr;
  has_status_ = false;
  state_ = kNone;
  ended_.notify_all();
}

Caller::Done StreamLane::Take(uint64_t id) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return nullptr;  // An answer to nothing that we asked.
  Caller::Done done = std::move(found->second);
  pending_.erase(found);
  return done;
}

void StreamLane::OnEvent(const Tag& tag, bool ok) {
  std::vector<Told> done;  // Told without the lock: it may lead to the next Start().
  {
    std::lock_guard<std::mutex> lock(mu_);
    switch (tag.kind) {
      case Tag::kOpened:
        if (!ok) {
          Finish();
          break;
        }
        state_ = kOpen;
        stream_->Read(&response_, &read_);
        WriteNext();
        break;
      case Tag::kWritten:
      case Tag::kClosed:
        --writing_;
        if (ok) WriteNext();  // Else the read fails too, and ends the stream.
        End(done);
        break;
      case Tag::kRead:
        if (!ok) {
          Finish();
          break;
        }
        done.emplace_back(Take(response_.id()), OutcomeOf(response_));
        stream_->Read(&response_, &read_);
        break;
      case Tag::kFinished:
        has_status_ = true;
        End(done);
        break;
    }
  }
  for (auto& [call, outcome] : done) {
    if (call) call(outcome);
  }
}

void StreamLane::CancelAll() {
  std::lock_guard<std::mutex> lock(mu_);
  if (context_ != nullptr) context_->TryCancel();
}

void StreamLane::Close() {
  std::unique_lock<std::mutex> lock(mu_);
  closing_ = true;
  WriteNext();
  if (!ended_.wait_for(lock, kCloseMoment, [this] { return state_ == kNone; })) context_->TryCancel();
  ended_.wait(lock, [this] { return state_ == kNone; });
}

}  // namespace polyscene::load
