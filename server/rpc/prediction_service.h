// Predict: decodes and validates on gRPC's thread, scores in the batcher, answers from its worker.
#pragma once

#include <cstdint>
#include <memory>

#include "model/feature/hash_key.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/prediction.grpc.pb.h"
#include "server/batching/batcher.h"
#include "server/metrics/metrics.h"

namespace polyscene {

struct PredictionServiceOptions {
  std::shared_ptr<const ModelSpec> spec;
  HashKey hash_key;
  int64_t max_request_rows = 10000;
};

// Threads: gRPC's. `batcher` and `metrics` outlive it, and it outlives the gRPC server.
class PredictionService final : public v1::PredictionService::CallbackService {
 public:
  PredictionService(PredictionServiceOptions options, Batcher& batcher, Metrics& metrics);

  grpc::ServerUnaryReactor* Predict(grpc::CallbackServerContext* context, const v1::PredictRequest* request,
                                    v1::PredictResponse* response) override;

 private:
  const PredictionServiceOptions options_;
  Batcher& batcher_;
  Metrics& metrics_;
};

}  // namespace polyscene
