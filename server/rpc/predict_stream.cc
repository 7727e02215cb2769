#include "server/rpc/predict_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpcpp/server_context.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/wire_message.h"

namespace polyscene {

PredictStreamCall::PredictStreamCall(const PredictOptions& options, Batcher& batcher, Metrics& metrics,
                                     grpc::CallbackServerContext* context, std::function<void(PredictStreamCall*)> done)
    : options_(options),
      batcher_(batcher),
      metrics_(metrics),
      context_(context),
      deadline_(absl::FromChrono(context->deadline())),
      done_(std::move(done)) {}

void PredictStreamCall::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  Advance();
}

void PredictStreamCall::OnReadDone(bool ok) {
  if (!ok) {
    {
      MutexLock lock(&mu_);
      reading_ = false;
      half_closed_ = true;
    }
    return Advance();
  }
  auto request = std::make_shared<Request>();
  const bool admitted = Admit(FromBytes(&incoming_, &request->message), request.get());
  Advance();  // Before it is handled, so that the next one is read meanwhile.
  if (admitted) Handle(std::move(request));
}

bool PredictStreamCall::Admit(const absl::Status& decoded, Request* request) {
  MutexLock lock(&mu_);
  reading_ = false;
  if (finished_ || cancelled_) return false;  // Read in vain: nobody waits for it any more.
  if (!decoded.ok()) {
    failure_ = decoded;
    return false;
  }
  ++unanswered_;
  request->duplicate = !ids_.insert(request->message.id()).second;
  return true;
}

void PredictStreamCall::Handle(std::shared_ptr<Request> request) {
  const absl::Status status = Check(request.get());
  if (!status.ok()) return Complete(request, status);
  PendingRequest pending = request->input.ToPending();
  pending.deadline = DeadlineOf(*request);
  pending.done = [self = shared_from_this(), request](const absl::StatusOr<ScoredRequest>& scored) {
    self->Complete(request, scored);
  };
  batcher_.Submit(std::move(pending));
}

absl::Status PredictStreamCall::Check(Request* request) const {
  const v1::PredictStreamRequest& message = request->message;
  if (!message.has_request()) return absl::InvalidArgumentError("request: got none, expected what to score");
  if (absl::Status status = request->input.Read(options_, message.request()); !status.ok()) return status;
  if (request->duplicate) {
    return absl::InvalidArgumentError(
        absl::StrCat("id: got ", message.id(), ", which another request of this stream has that is not answered yet"));
  }
  return absl::OkStatus();
}

absl::Time PredictStreamCall::DeadlineOf(const Request& request) const {
  const uint32_t timeout = request.message.timeout_milliseconds();
  return timeout == 0 ? deadline_ : std::min(deadline_, request.arrived + absl::Milliseconds(timeout));
}

void PredictStreamCall::Complete(const std::shared_ptr<Request>& request, const absl::StatusOr<ScoredRequest>& scored) {
  const absl::Time now = absl::Now();
  absl::Status status = scored.status();
  if (status.ok() && DeadlineOf(*request) <= now) {
    // A caller of Predict would have left by now; here it must be told.
    status = absl::DeadlineExceededError("the request's deadline passed while it was scored");
  }
  v1::PredictStreamResponse& response = request->response;
  response.set_id(request->message.id());
  if (!status.ok()) {
    response.mutable_error()->set_code(static_cast<uint32_t>(status.code()));
    response.mutable_error()->set_message(CutText(status.message(), kMaxStatusMessageBytes));
    response.mutable_error()->set_retry_after_milliseconds(RetryAfterMilliseconds(status));
    return Give(*request, status);
  }
  const v1::PredictRequest& asked = request->message.request();
  FillPredictResponse(*options_.spec, asked, *scored, now, response.mutable_response());
  if (!asked.remember()) return Give(*request, status);
  request->scored = now;
  RememberPredict(options_, asked, request->input, *scored, response.mutable_response(),
                  [self = shared_from_this(), request] { self->Give(*request, absl::OkStatus()); });
}

void PredictStreamCall::Give(const Request& request, const absl::Status& status) {
  const absl::Time now = absl::Now();
  const absl::Time scored = request.scored == absl::InfinitePast() ? now : request.scored;
  metrics_.Predicted(request.input.scene(), status.code(), request.input.rows(), now - request.arrived,
                     scored - request.arrived);
  Answer answer{request.message.id(), !request.duplicate, ToBytes(request.response)};
  {
    MutexLock lock(&mu_);
    answers_.push_back(std::move(answer));
  }
  Advance();
}

void PredictStreamCall::OnWriteDone(bool ok) {
  {
    MutexLock lock(&mu_);
    writing_ = false;
    --unanswered_;
    if (!ok) cancelled_ = true;
  }
  Advance();
}

void PredictStreamCall::OnCancel() {
  {
    MutexLock lock(&mu_);
    cancelled_ = true;
  }
  Advance();
}

void PredictStreamCall::OnDone() {
  // gRPC has let every other thread finish with this object; the lock shows that to ThreadSanitizer, which cannot see
  // into gRPC.
  { MutexLock lock(&mu_); }
  done_(this);
}

void PredictStreamCall::Advance() {
  for (;;) {
    Action action;
    {
      MutexLock lock(&mu_);
      // Whoever drives looks again before it leaves, so what changed meanwhile is not lost.
      if (driving_) return;
      action = Next();
      if (action == Action::kNothing) return;
      driving_ = true;
    }
    switch (action) {
      case Action::kNothing:
        break;
      case Action::kFinish:
        Finish(ToGrpcStatus(TakeEnd(), context_));
        return;  // Still driving: nothing may follow.
      case Action::kRead:
        StartRead(&incoming_);
        break;
      case Action::kWrite:
        StartWrite(&outgoing_);
        break;
    }
    MutexLock lock(&mu_);
    driving_ = false;
  }
}

PredictStreamCall::Action PredictStreamCall::Next() {
  if (!writing_ && Ended()) {
    finished_ = true;
    return Action::kFinish;
  }
  if (!writing_ && !cancelled_ && !answers_.empty()) {
    Answer answer = std::move(answers_.front());
    answers_.pop_front();
    if (answer.frees_id) ids_.erase(answer.id);
    outgoing_ = std::move(answer.bytes);
    writing_ = true;
    return Action::kWrite;
  }
  const bool done_reading = half_closed_ || cancelled_ || stopping_ || !failure_.ok();
  if (!reading_ && !done_reading && unanswered_ < options_.max_stream_requests) {
    reading_ = true;
    return Action::kRead;
  }
  return Action::kNothing;
}

bool PredictStreamCall::Ended() {
  if (cancelled_) {
    end_ = absl::CancelledError("the client went away");
    return true;
  }
  if (unanswered_ > 0) return false;
  if (!failure_.ok()) {
    end_ = failure_;
    return true;
  }
  if (half_closed_) {
    end_ = absl::OkStatus();
    return true;
  }
  if (stopping_) {
    end_ = absl::UnavailableError("the server is stopping: retry");
    return true;
  }
  return false;
}

absl::Status PredictStreamCall::TakeEnd() {
  MutexLock lock(&mu_);
  answers_.clear();
  return end_;
}

}  // namespace polyscene
