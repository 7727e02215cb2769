#include "server/rpc/prediction_service.h"

#include <utility>

namespace polyscene {

PredictionService::PredictionService(PredictOptions options, Batcher& batcher, Metrics& metrics)
    : options_(std::move(options)), batcher_(batcher), metrics_(metrics), calls_(options_, metrics, gate_) {
  SetMessageAllocatorFor_Predict(&calls_);
}

grpc::ServerUnaryReactor* PredictionService::Predict(grpc::CallbackServerContext* context, const v1::PredictRequest*,
                                                     v1::PredictResponse*) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  static_cast<UnaryPredict*>(context->GetRpcAllocatorState())->Begin(batcher_, context, reactor);
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
