#include "server/rpc/training_service.h"

#include <memory>

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

void TrainingService::Notify() {
  LearningPositions seen;
  absl::Status told;
  for (;;) {
    const absl::Time began = absl::Now();
    const LearningPositions now = control_.WaitForChange(seen, kNotifierTimeout);
    const absl::Status health = control_.health();
    const bool changed = !SamePositions(seen, now) || health != told;
    if (changed) {
      for (const std::shared_ptr<EventStream>& stream : streams_.All()) stream->Progress(health);
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

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* TrainingService::StreamEvents(
    grpc::CallbackServerContext* context) {
  auto stream = std::make_shared<EventStream>(intake_, context, [this](EventStream* done) { streams_.Remove(done); });
  // A stream that begins while the trainer stands still must know it, though nothing changes any more.
  if (streams_.Add(stream)) stream->Begin(control_.health());
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
