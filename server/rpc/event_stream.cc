#include "server/rpc/event_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/server_context.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/wire_message.h"

namespace polyscene {
namespace {

// Batches of one stream on their way to the disk: enough to keep the log busy while acknowledgements travel.
constexpr size_t kMaxInFlight = 16;

bool Same(const v1::Watermark& a, const v1::Watermark& b) {
  return a.logged() == b.logged() && a.learned() == b.learned() && a.served() == b.served();
}

}  // namespace

EventStream::EventStream(EventIntake& intake, grpc::CallbackServerContext* context,
                         std::function<void(EventStream*)> done)
    : intake_(intake), context_(context), done_(std::move(done)) {}

void EventStream::Begin(const absl::Status& trainer) {
  {
    MutexLock lock(&mu_);
    trainer_ = trainer;
  }
  Advance();
}

void EventStream::Progress(const absl::Status& trainer) {
  {
    MutexLock lock(&mu_);
    trainer_ = trainer;
    progress_due_ = opened_;
  }
  Advance();
}

void EventStream::Wake() {
  {
    MutexLock lock(&mu_);
    waiting_for_room_ = false;
  }
  Advance();
}

void EventStream::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  Advance();
}

void EventStream::OnReadDone(bool ok) {
  const absl::Status status = ok ? HandleMessage() : absl::OkStatus();
  {
    MutexLock lock(&mu_);
    reading_ = false;
    if (!ok) half_closed_ = true;
    if (!ok && !opened_ && failure_.ok()) {
      failure_ = absl::InvalidArgumentError("the stream ended without a message, expected `open` first");
    }
    if (!status.ok() && failure_.ok()) {
      // Batches before this message are still acknowledged: it waits its turn behind them.
      auto refused = std::make_shared<Pending>();
      refused->done = true;
      refused->status = status;
      pending_.push_back(std::move(refused));
      half_closed_ = true;
    }
  }
  Advance();
}

void EventStream::OnWriteDone(bool ok) {
  {
    MutexLock lock(&mu_);
    writing_ = false;
    if (!ok) cancelled_ = true;
  }
  Advance();
}

void EventStream::OnCancel() {
  {
    MutexLock lock(&mu_);
    cancelled_ = true;
  }
  Advance();
}

void EventStream::OnDone() {
  // gRPC has let every other thread finish with this object; the lock shows that to ThreadSanitizer, which cannot see
  // into gRPC.
  { MutexLock lock(&mu_); }
  done_(this);
}

absl::Status EventStream::HandleMessage() {
  if (absl::Status status = FromBytes(&incoming_, &request_); !status.ok()) return status;
  bool opened;
  {
    MutexLock lock(&mu_);
    opened = opened_;
  }
  if (request_.has_open()) {
    return opened ? absl::InvalidArgumentError(
                        "got a second `open`, expected `batch`, `labels` or `exposures` after the "
                        "first message")
                  : HandleOpen();
  }
  if (!opened) return absl::InvalidArgumentError("the first message has no `open`: expected it to name the producer");
  if (request_.has_batch()) return HandleBatch("batch", request_.mutable_batch());
  if (request_.has_labels()) return HandleBatch("labels", request_.mutable_labels());
  if (request_.has_exposures()) return HandleBatch("exposures", request_.mutable_exposures());
  return absl::InvalidArgumentError(
      "got a message without content, expected `batch`, `labels` or `exposures` after the first message");
}

absl::Status EventStream::HandleOpen() {
  const v1::OpenStream& open = request_.open();
  if (absl::Status status = EventIntake::CheckProducer(open.producer_id()); !status.ok()) return status;
  producer_ = open.producer_id();
  {
    MutexLock lock(&mu_);
    opened_ = true;
    progress_due_ = true;  // The first answer tells where the producer stands.
    wait_until_learned_ = open.wait_until_learned();
  }
  if (open.has_evaluate_from_micros()) {
    intake_.OpenEvaluation(producer_, open.evaluate_from_micros(),
                           [self = shared_from_this(), pending = AddPending()](absl::Status status) {
                             self->CompletePending(pending.get(), std::move(status), {});
                           });
  }
  return absl::OkStatus();
}

template <typename Batch>
absl::Status EventStream::HandleBatch(absl::string_view name, Batch* batch) {
  if (batch->sequence() == 0) {
    return absl::InvalidArgumentError(absl::StrCat(name, ".sequence: got 0, expected 1 for a producer's first batch"));
  }
  intake_.Accept(
      producer_, std::move(*batch),
      [self = shared_from_this(), pending = AddPending()](absl::StatusOr<v1::StreamEventsResponse> response) {
        const absl::Status status = response.status();
        self->CompletePending(pending.get(), status, response.ok() ? *std::move(response) : v1::StreamEventsResponse());
      });
  return absl::OkStatus();
}

std::shared_ptr<EventStream::Pending> EventStream::AddPending() {
  auto pending = std::make_shared<Pending>();
  MutexLock lock(&mu_);
  pending_.push_back(pending);
  return pending;
}

void EventStream::CompletePending(Pending* pending, absl::Status status, v1::StreamEventsResponse response) {
  {
    MutexLock lock(&mu_);
    pending->done = true;
    pending->status = std::move(status);
    pending->response = std::move(response);
  }
  Advance();
}

void EventStream::Advance() {
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
        Write(/*only_if_news=*/false);
        break;
      case Action::kProgress:
        Write(/*only_if_news=*/true);
        break;
    }
    MutexLock lock(&mu_);
    driving_ = false;
  }
}

absl::Status EventStream::TakeEnd() {
  MutexLock lock(&mu_);
  pending_.clear();
  return end_;
}

EventStream::Action EventStream::Next() {
  if (!cancelled_ && !writing_) {
    const bool acknowledgement = TakeAcknowledgement();
    if (acknowledgement || (progress_due_ && failure_.ok())) {
      writing_ = true;
      progress_due_ = false;
      return acknowledgement ? Action::kWrite : Action::kProgress;
    }
  }
  if (!writing_ && Ended()) return Action::kFinish;
  if (MayRead()) {
    reading_ = true;
    return Action::kRead;
  }
  return Action::kNothing;
}

bool EventStream::TakeAcknowledgement() {
  while (failure_.ok() && !pending_.empty() && pending_.front()->done) {
    const std::shared_ptr<Pending> front = std::move(pending_.front());
    pending_.pop_front();
    if (!front->status.ok()) {
      failure_ = front->status;
      return false;
    }
    if (front->response.accepted_sequence() == 0) continue;  // An opening.
    response_ = std::move(front->response);
    return true;
  }
  return false;
}

bool EventStream::Ended() {
  if (cancelled_) {
    end_ = absl::CancelledError("the client went away");
    return true;
  }
  if (!failure_.ok()) {
    end_ = failure_;
    return true;
  }
  if (!pending_.empty()) return false;
  if (half_closed_ && (!wait_until_learned_ || (told_.has_value() && told_->served() >= told_->logged()))) {
    end_ = absl::OkStatus();
    return true;
  }
  if (stopping_) {
    end_ = absl::UnavailableError("the server is stopping: reconnect, ask for the watermark, resume");
    return true;
  }
  if (half_closed_ && !trainer_.ok()) {
    end_ = absl::Status(trainer_.code(),
                        absl::StrCat("everything sent is logged, but the trainer stands still: ", trainer_.message()));
    return true;
  }
  return false;
}

bool EventStream::MayRead() {
  if (reading_ || half_closed_ || cancelled_ || stopping_ || !failure_.ok() || waiting_for_room_) return false;
  if (pending_.size() >= kMaxInFlight) return false;  // The completion of the first one comes back here.
  waiting_for_room_ = !intake_.budget().HasRoom([self = weak_from_this()] {
    if (const std::shared_ptr<EventStream> stream = self.lock()) stream->Wake();
  });
  return !waiting_for_room_;
}

void EventStream::Write(bool only_if_news) {
  const v1::Watermark watermark = intake_.WatermarkOf(producer_);
  {
    MutexLock lock(&mu_);
    if (only_if_news && told_.has_value() && Same(*told_, watermark)) {
      writing_ = false;
      return;
    }
    told_ = watermark;
  }
  if (only_if_news) response_.Clear();
  *response_.mutable_watermark() = watermark;
  outgoing_ = ToBytes(response_);
  StartWrite(&outgoing_);
}

}  // namespace polyscene
