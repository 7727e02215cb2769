#include "server/rpc/unary_predict.h"

#include <utility>

#include "absl/time/clock.h"
#include "server/rpc/grpc_status.h"

namespace polyscene {
namespace {

// Takes the messages of a request of 30 columns and a few rows. What is larger gets blocks of its own, which go with
// it.
constexpr size_t kFirstBlockBytes = 32 << 10;
constexpr size_t kLargestBlockBytes = 1 << 20;
constexpr size_t kMostKept = 256;  // More calls at once are a burst, whose memory is not kept.

google::protobuf::ArenaOptions OptionsWith(char* block) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block;
  options.initial_block_size = kFirstBlockBytes;
  options.max_block_size = kLargestBlockBytes;
  return options;
}

}  // namespace

UnaryPredict::UnaryPredict(UnaryPredictPool& pool)
    : pool_(pool), block_(new char[kFirstBlockBytes]), arena_(OptionsWith(block_.get())) {}

void UnaryPredict::MakeMessages() {
  set_request(google::protobuf::Arena::CreateMessage<v1::PredictRequest>(&arena_));
  set_response(google::protobuf::Arena::CreateMessage<v1::PredictResponse>(&arena_));
}

void UnaryPredict::Begin(Batcher& batcher, grpc::CallbackServerContext* context, grpc::ServerUnaryReactor* reactor) {
  context_ = context;
  reactor_ = reactor;
  arrived_ = absl::Now();
  scored_ = absl::InfinitePast();
  entered_ = true;
  if (!pool_.gate_.Enter()) return Answer(absl::UnavailableError("the server is stopping: retry"));
  const absl::Status status = input_.Read(pool_.options_, *request());
  if (!status.ok()) return Answer(status);
  PendingRequest pending = input_.ToPending();
  pending.deadline = absl::FromChrono(context->deadline());
  pending.done = [this](const absl::StatusOr<ScoredRequest>& scored) { Scored(scored); };
  batcher.Submit(std::move(pending));
}

void UnaryPredict::Scored(const absl::StatusOr<ScoredRequest>& scored) {
  if (!scored.ok()) return Answer(scored.status());
  const PredictOptions& options = pool_.options_;
  FillPredictResponse(*options.spec, *request(), *scored, absl::Now(), response());
  if (!request()->remember()) return Answer(absl::OkStatus());
  scored_ = absl::Now();
  RememberPredict(options, *request(), input_, *scored, response(), [this] { Answer(absl::OkStatus()); });
}

void UnaryPredict::Answer(const absl::Status& status) {
  {
    MutexLock lock(&mu_);
    const absl::Time now = absl::Now();
    const absl::Time scored = scored_ == absl::InfinitePast() ? now : scored_;
    pool_.metrics_.Predicted(input_.scene(), status.code(), input_.rows(), now - arrived_, scored - arrived_);
  }
  reactor_->Finish(ToGrpcStatus(status, context_));  // Last: this may be another call's when it returns.
}

void UnaryPredict::Release() {
  // gRPC has let the answering thread finish; the lock shows that to ThreadSanitizer, which cannot see into gRPC.
  { MutexLock lock(&mu_); }
  // gRPC decodes first: what cannot be decoded never begins.
  if (std::exchange(entered_, false)) pool_.gate_.Leave();
  input_.Clear();
  arena_.Reset();
  pool_.TakeBack(std::unique_ptr<UnaryPredict>(this));
}

grpc::MessageHolder<v1::PredictRequest, v1::PredictResponse>* UnaryPredictPool::AllocateMessages() {
  std::unique_ptr<UnaryPredict> call;
  {
    MutexLock lock(&mu_);
    if (!free_.empty()) {
      call = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (call == nullptr) call = std::make_unique<UnaryPredict>(*this);
  call->MakeMessages();
  return call.release();
}

void UnaryPredictPool::TakeBack(std::unique_ptr<UnaryPredict> call) {
  MutexLock lock(&mu_);
  if (free_.size() < kMostKept) free_.push_back(std::move(call));
}

}  // namespace polyscene
