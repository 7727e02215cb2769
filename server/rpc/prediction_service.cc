#include "server/rpc/prediction_service.h"

#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/rpc/grpc_status.h"
#include "server/sync/mutex.h"

namespace polyscene {
namespace {

// Owns what a call needs until it is done, then itself goes.
class PredictReactor final : public grpc::ServerUnaryReactor {
 public:
  PredictReactor(const PredictOptions& options, Metrics& metrics, CallGate& gate, grpc::CallbackServerContext* context,
                 const v1::PredictRequest* request, v1::PredictResponse* response)
      : options_(options), metrics_(metrics), gate_(gate), context_(context), request_(request), response_(response) {}

  void Begin(Batcher& batcher) {
    if (!gate_.Enter()) return Answer(absl::UnavailableError("the server is stopping: retry"));
    const absl::Status status = input_.Read(options_, *request_);
    if (!status.ok()) return Answer(status);
    PendingRequest pending = input_.ToPending();
    pending.deadline = absl::FromChrono(context_->deadline());
    pending.done = [this](absl::StatusOr<ScoredRequest> scored) {
      if (!scored.ok()) return Answer(scored.status());
      FillPredictResponse(*options_.spec, *request_, *scored, absl::Now(), response_);
      if (!request_->remember()) return Answer(absl::OkStatus());
      scored_ = absl::Now();
      RememberPredict(options_, *request_, input_, *scored, response_, [this] { Answer(absl::OkStatus()); });
    };
    batcher.Submit(std::move(pending));
  }

  void OnDone() override {
    // gRPC has let the answering thread finish; the lock shows that to ThreadSanitizer, which cannot see into gRPC.
    { MutexLock lock(&mu_); }
    gate_.Leave();
    delete this;
  }

 private:
  void Answer(const absl::Status& status) {
    {
      MutexLock lock(&mu_);
      const absl::Time now = absl::Now();
      const absl::Time scored = scored_ == absl::InfinitePast() ? now : scored_;
      metrics_.Predicted(input_.scene(), status.code(), input_.rows(), now - arrived_, scored - arrived_);
    }
    Finish(ToGrpcStatus(status, context_));  // Last: the call may be gone when this returns.
  }

  const PredictOptions& options_;
  Metrics& metrics_;
  CallGate& gate_;
  grpc::CallbackServerContext* const context_;  // These three are gRPC's, and stay until Finish().
  const v1::PredictRequest* const request_;
  v1::PredictResponse* const response_;
  const absl::Time arrived_ = absl::Now();
  absl::Time scored_ = absl::InfinitePast();  // Of one that is remembered: when its scores were there.
  PredictInput input_;
  Mutex mu_;  // Guards nothing: a call has one thread at a time. See OnDone().
};

}  // namespace

PredictionService::PredictionService(PredictOptions options, Batcher& batcher, Metrics& metrics)
    : options_(std::move(options)), batcher_(batcher), metrics_(metrics) {}

grpc::ServerUnaryReactor* PredictionService::Predict(grpc::CallbackServerContext* context,
                                                     const v1::PredictRequest* request, v1::PredictResponse* response) {
  auto* reactor = new PredictReactor(options_, metrics_, gate_, context, request, response);
  reactor->Begin(batcher_);
  return reactor;
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* PredictionService::PredictStream(
    grpc::CallbackServerContext* context) {
  auto stream = std::make_shared<PredictStreamCall>(options_, batcher_, metrics_, context,
                                                    [this](PredictStreamCall* done) { streams_.Remove(done); });
  if (streams_.Add(stream)) stream->Begin();
  return stream.get();
}

}  // namespace polyscene
