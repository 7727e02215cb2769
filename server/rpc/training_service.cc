#include "server/rpc/training_service.h"

#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/rpc/grpc_status.h"

namespace polyscene {
namespace {

// The longest the notifier looks away: how late it sees that it should end, or that the trainer stands still.
constexpr absl::Duration kNotifierTimeout = absl::Milliseconds(200);

bool SamePositions(const LearningPositions& a, const LearningPositions& b) {
  return a.learned_offset == b.learned_offset && a.served_offset == b.served_offset;
}

}  // namespace

TrainingService::TrainingService(EventIntake& intake, const LearningControl& control)
    : intake_(intake), control_(control), notifier_([this] { Notify(); }) {}

TrainingService::~TrainingService() {
  {
    MutexLock lock(&mu_);
    closing_ = true;
  }
  closed_.SignalAll();
  notifier_.join();
}

void TrainingService::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  for (const std::shared_ptr<EventStream>& stream : Streams()) stream->Stop();
}

std::vector<std::shared_ptr<EventStream>> TrainingService::Streams() {
  MutexLock lock(&mu_);
  std::vector<std::shared_ptr<EventStream>> streams;
  streams.reserve(streams_.size());
  for (const auto& entry : streams_) streams.push_back(entry.second);
  return streams;
}

void TrainingService::Notify() {
  LearningPositions seen;
  absl::Status told;
  for (;;) {
    const absl::Time began = absl::Now();
    const LearningPositions now = control_.WaitForChange(seen, kNotifierTimeout);
    const absl::Status health = control_.health();
    const bool changed = !SamePositions(seen, now) || health != told;
    if (changed) {
      for (const std::shared_ptr<EventStream>& stream : Streams()) stream->Progress(health);
      seen = now;
      told = health;
    }
    MutexLock lock(&mu_);
    if (closing_) return;
    // A trainer that stands still returns at once, each time.
    const absl::Duration took = absl::Now() - began;
    if (!changed && took < kNotifierTimeout) closed_.WaitWithTimeout(&mu_, kNotifierTimeout - took);
    if (closing_) return;
  }
}

grpc::ServerBidiReactor<v1::StreamEventsRequest, v1::StreamEventsResponse>* TrainingService::StreamEvents(
    grpc::CallbackServerContext* context) {
  auto stream = std::make_shared<EventStream>(intake_, context, [this](EventStream* done) {
    std::shared_ptr<EventStream> last;  // Let go of after the lock.
    MutexLock lock(&mu_);
    const auto it = streams_.find(done);
    last = std::move(it->second);
    streams_.erase(it);
  });
  bool stopping;
  {
    MutexLock lock(&mu_);
    streams_.emplace(stream.get(), stream);
    stopping = stopping_;
  }
  if (stopping) {
    stream->Stop();
  } else {
    // A stream that begins while the trainer stands still must know it, though nothing changes any more.
    stream->Begin(control_.health());
  }
  return stream.get();
}

grpc::ServerUnaryReactor* TrainingService::GetWatermark(grpc::CallbackServerContext* context,
                                                        const v1::GetWatermarkRequest* request,
                                                        v1::Watermark* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::Status status = EventIntake::CheckProducer(request->producer_id());
  if (status.ok()) *response = intake_.WatermarkOf(request->producer_id());
  reactor->Finish(ToGrpcStatus(status, context));
  return reactor;
}

}  // namespace polyscene
