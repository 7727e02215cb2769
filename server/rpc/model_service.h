// GetModel, GetStatus, WatchStatus, and the operator's calls: pausing, resuming, checkpoints.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "polyscene/v1/model_service.grpc.pb.h"
#include "server/control/learning_control.h"
#include "server/rpc/background_worker.h"
#include "server/rpc/live_streams.h"
#include "server/rpc/status_report.h"
#include "server/rpc/status_watch.h"

namespace polyscene {

// Threads:  gRPC's, and one of its own for the operator's calls, which are done one after the other.
// Lifetime: it outlives the gRPC server; `report` and `control` outlive it.
class ModelService final : public v1::ModelService::CallbackService {
 public:
  // backup: copies the data directory to the directory of that name; may block.
  using BackupFunction = std::function<absl::StatusOr<v1::BackupResponse>(const std::string& directory)>;

  ModelService(const StatusReport& report, LearningControl& control, BackupFunction backup);

  // Ends every WatchStatus with UNAVAILABLE, and refuses new ones. Waits for none.
  void Stop() { watches_.Stop(); }

  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context, const v1::GetModelRequest* request,
                                     v1::GetModelResponse* response) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest* request,
                                      v1::GetStatusResponse* response) override;
  grpc::ServerWriteReactor<v1::GetStatusResponse>* WatchStatus(grpc::CallbackServerContext* context,
                                                               const v1::WatchStatusRequest* request) override;
  grpc::ServerUnaryReactor* PauseLearning(grpc::CallbackServerContext* context, const v1::PauseLearningRequest* request,
                                          v1::PauseLearningResponse* response) override;
  grpc::ServerUnaryReactor* ResumeLearning(grpc::CallbackServerContext* context,
                                           const v1::ResumeLearningRequest* request,
                                           v1::ResumeLearningResponse* response) override;
  grpc::ServerUnaryReactor* SaveCheckpoint(grpc::CallbackServerContext* context,
                                           const v1::SaveCheckpointRequest* request,
                                           v1::SaveCheckpointResponse* response) override;

  grpc::ServerUnaryReactor* Backup(grpc::CallbackServerContext* context, const v1::BackupRequest* request,
                                   v1::BackupResponse* response) override;

 private:
  // Answers `context` with what `call` returns, which may block; `call` runs on the worker.
  grpc::ServerUnaryReactor* Operate(grpc::CallbackServerContext* context, std::function<absl::Status()> call);

  const StatusReport& report_;
  LearningControl& control_;
  const BackupFunction backup_;
  LiveStreams<StatusWatch> watches_;
  BackgroundWorker operations_;
};

}  // namespace polyscene
