// GetModel, GetStatus and SaveCheckpoint.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/model_service.grpc.pb.h"
#include "server/control/learning_control.h"
#include "server/eventlog/event_log.h"
#include "server/rpc/background_worker.h"
#include "server/snapshot/snapshot_store.h"

namespace polyscene {

struct ModelServiceOptions {
  std::shared_ptr<const ModelSpec> spec;
  std::string device;             // As GetStatus tells it.
  std::function<bool()> serving;  // Whether Predict is to be called now.
  absl::Time started;
};

// Threads:  gRPC's, and one of its own for checkpoints.
// Lifetime: it outlives the gRPC server; the collaborators outlive it.
class ModelService final : public v1::ModelService::CallbackService {
 public:
  ModelService(ModelServiceOptions options, const EventLog& log, LearningControl& control,
               const SnapshotStore& snapshots);

  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context, const v1::GetModelRequest* request,
                                     v1::GetModelResponse* response) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest* request,
                                      v1::GetStatusResponse* response) override;
  grpc::ServerUnaryReactor* SaveCheckpoint(grpc::CallbackServerContext* context,
                                           const v1::SaveCheckpointRequest* request,
                                           v1::SaveCheckpointResponse* response) override;

 private:
  absl::Status FillStatus(const std::string& evaluation_of, v1::GetStatusResponse* response) const;

  const ModelServiceOptions options_;
  const EventLog& log_;
  LearningControl& control_;
  const SnapshotStore& snapshots_;
  BackgroundWorker checkpoints_;
};

}  // namespace polyscene
