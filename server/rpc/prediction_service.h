// Predict and PredictStream: decodes and validates on gRPC's thread, scores in the batcher, answers from where it
// scored.
#pragma once

#include "polyscene/v1/prediction.grpc.pb.h"
#include "server/batching/batcher.h"
#include "server/metrics/metrics.h"
#include "server/rpc/call_gate.h"
#include "server/rpc/live_streams.h"
#include "server/rpc/predict_call.h"
#include "server/rpc/predict_stream.h"
#include "server/rpc/unary_predict.h"

namespace polyscene {

// Threads:  gRPC's.
// Lifetime: `batcher` and `metrics` outlive it; it outlives the gRPC server, and until the batcher is stopped, a
// request
//           of a stream that was cancelled may still use it.
class PredictionService final
    : public v1::PredictionService::WithCallbackMethod_Predict<
          v1::PredictionService::WithRawCallbackMethod_PredictStream<v1::PredictionService::Service>> {
 public:
  PredictionService(PredictOptions options, Batcher& batcher, Metrics& metrics);

  // Ends every stream with UNAVAILABLE once what it has read is answered, and refuses new ones. Waits for none.
  void Stop() { streams_.Stop(); }

  // Refuses new calls of Predict with UNAVAILABLE and waits until those in flight are answered, or until `deadline`.
  void Drain(absl::Time deadline) { gate_.CloseAndWait(deadline); }

  grpc::ServerUnaryReactor* Predict(grpc::CallbackServerContext* context, const v1::PredictRequest* request,
                                    v1::PredictResponse* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* PredictStream(
      grpc::CallbackServerContext* context) override;

 private:
  const PredictOptions options_;
  Batcher& batcher_;
  Metrics& metrics_;
  LiveStreams<PredictStreamCall> streams_;
  CallGate gate_;
  UnaryPredictPool calls_;
};

}  // namespace polyscene
