#include "server/rpc/model_service.h"

#include <memory>
#include <utility>

#include "server/rpc/grpc_status.h"

namespace polyscene {
namespace {

constexpr size_t kMaxWaitingOperations = 16;

}  // namespace

ModelService::ModelService(const StatusReport& report, LearningControl& control, BackupFunction backup)
    : report_(report), control_(control), backup_(std::move(backup)), operations_(kMaxWaitingOperations) {}

grpc::ServerUnaryReactor* ModelService::GetModel(grpc::CallbackServerContext* context, const v1::GetModelRequest*,
                                                 v1::GetModelResponse* response) {
  *response->mutable_model() = report_.spec().file();
  response->set_fingerprint(report_.spec().fingerprint_hex());
  response->set_text(report_.spec().text());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* ModelService::GetStatus(grpc::CallbackServerContext* context,
                                                  const v1::GetStatusRequest* request,
                                                  v1::GetStatusResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(report_.Fill(request->evaluation_of(), response), context));
  return reactor;
}

grpc::ServerWriteReactor<v1::GetStatusResponse>* ModelService::WatchStatus(grpc::CallbackServerContext* context,
                                                                           const v1::WatchStatusRequest* request) {
  auto watch =
      std::make_shared<StatusWatch>(report_, *request, context, [this](StatusWatch* done) { watches_.Remove(done); });
  if (watches_.Add(watch)) watch->Begin();
  return watch.get();
}

grpc::ServerUnaryReactor* ModelService::PauseLearning(grpc::CallbackServerContext* context,
                                                      const v1::PauseLearningRequest*,
                                                      v1::PauseLearningResponse* response) {
  return Operate(context, [this, response] {
    const absl::StatusOr<uint64_t> offset = control_.Pause();
    if (offset.ok()) response->set_learned_offset(*offset);
    return offset.status();
  });
}

grpc::ServerUnaryReactor* ModelService::ResumeLearning(grpc::CallbackServerContext* context,
                                                       const v1::ResumeLearningRequest*,
                                                       v1::ResumeLearningResponse* response) {
  return Operate(context, [this, response] {
    const absl::StatusOr<uint64_t> offset = control_.Resume();
    if (offset.ok()) response->set_learned_offset(*offset);
    return offset.status();
  });
}

grpc::ServerUnaryReactor* ModelService::SaveCheckpoint(grpc::CallbackServerContext* context,
                                                       const v1::SaveCheckpointRequest*,
                                                       v1::SaveCheckpointResponse* response) {
  return Operate(context, [this, response] {
    const absl::StatusOr<SavedCheckpoint> saved = control_.SaveCheckpoint();
    if (saved.ok()) {
      response->set_version(saved->version);
      response->set_learned_offset(saved->learned_offset);
      response->set_directory(saved->directory);
    }
    return saved.status();
  });
}

grpc::ServerUnaryReactor* ModelService::Backup(grpc::CallbackServerContext* context, const v1::BackupRequest* request,
                                               v1::BackupResponse* response) {
  return Operate(context, [this, request, response] {
    absl::StatusOr<v1::BackupResponse> report = backup_(request->directory());
    if (report.ok()) *response = *std::move(report);
    return report.status();
  });
}

grpc::ServerUnaryReactor* ModelService::Operate(grpc::CallbackServerContext* context,
                                                std::function<absl::Status()> call) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::Status submitted = operations_.Submit(
      [context, reactor, call = std::move(call)] { reactor->Finish(ToGrpcStatus(call(), context)); });
  if (!submitted.ok()) reactor->Finish(ToGrpcStatus(submitted, context));
  return reactor;
}

}  // namespace polyscene
