// One call of Predict, and what a server keeps for the next ones.
#pragma once

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/arena.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/message_allocator.h"
#include "grpcpp/support/server_callback.h"
#include "polyscene/v1/prediction.pb.h"
#include "server/batching/batcher.h"
#include "server/metrics/metrics.h"
#include "server/rpc/call_gate.h"
#include "server/rpc/predict_call.h"
#include "server/sync/mutex.h"

namespace polyscene {

class UnaryPredictPool;

// What a call needs: its messages, in an arena, and the request as it was read. gRPC holds it from before it decodes
// the request until the answer is sent.
//
// The reactor is the context's own. One of ours would be told of the end of each call by another thread, which gRPC
// wakes for that: as much work as all the rest here. That the call has ended is told by Release() as well.
class UnaryPredict final : public grpc::MessageHolder<v1::PredictRequest, v1::PredictResponse> {
 public:
  explicit UnaryPredict(UnaryPredictPool& pool);

  // Scores the request and answers it, at once or later, from another thread.
  void Begin(Batcher& batcher, grpc::CallbackServerContext* context, grpc::ServerUnaryReactor* reactor);

  void Release() override;  // By gRPC, which is done with it.

 private:
  friend class UnaryPredictPool;

  void MakeMessages();
  void Scored(const absl::StatusOr<ScoredRequest>& scored);
  void Answer(const absl::Status& status);

  UnaryPredictPool& pool_;
  const std::unique_ptr<char[]> block_;  // The arena's first: all that a small request needs.
  google::protobuf::Arena arena_;
  PredictInput input_;
  bool entered_ = false;  // The gate.
  absl::Time arrived_;
  absl::Time scored_;  // Of one that is remembered: when its scores were there. Else InfinitePast.
  grpc::CallbackServerContext* context_ = nullptr;  // Until Finish(), as is the next.
  grpc::ServerUnaryReactor* reactor_ = nullptr;
  Mutex mu_;  // Guards nothing: a call has one thread at a time. See Release().
};

// Threads:  any.
// Lifetime: outlives the gRPC server, as do the collaborators.
class UnaryPredictPool final : public grpc::MessageAllocator<v1::PredictRequest, v1::PredictResponse> {
 public:
  UnaryPredictPool(const PredictOptions& options, Metrics& metrics, CallGate& gate)
      : options_(options), metrics_(metrics), gate_(gate) {}

  grpc::MessageHolder<v1::PredictRequest, v1::PredictResponse>* AllocateMessages() override;

 private:
  friend class UnaryPredict;

  void TakeBack(std::unique_ptr<UnaryPredict> call);

  const PredictOptions& options_;
  Metrics& metrics_;
  CallGate& gate_;

  Mutex mu_;
  std::vector<std::unique_ptr<UnaryPredict>> free_
      ABSL_GUARDED_BY(mu_);  // The last one used, whose memory is warm, at the back.
};

}  // namespace polyscene
