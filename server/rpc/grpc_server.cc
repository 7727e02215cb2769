#include "server/rpc/grpc_server.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "polyscene/v1/model_service.grpc.pb.h"
#include "polyscene/v1/prediction.grpc.pb.h"
#include "polyscene/v1/training.grpc.pb.h"

namespace polyscene {
namespace {

// After so long without a word a peer is asked whether it is still there: so that a stream whose client vanished
// without closing its connection ends, too.
constexpr int kKeepaliveMilliseconds = 30'000;
constexpr int kKeepaliveTimeoutMilliseconds = 10'000;
// Clients may ask likewise, this often.
constexpr int kMinPingMilliseconds = 10'000;

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcServerOptions& options,
                                                              const std::vector<grpc::Service*>& services) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  // Without this, a second server on the same port starts happily and takes half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  int port = 0;
  builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot listen on ", options.listen, " for gRPC: the port is taken, or this machine has no such address"));
  }
  const std::string host = options.listen.substr(0, options.listen.rfind(':'));
  std::unique_ptr<GrpcServer> started(new GrpcServer(std::move(server), absl::StrCat(host, ":", port)));
  started->SetServing(false);
  return started;
}

GrpcServer::~GrpcServer() { Stop(absl::ZeroDuration()); }

void GrpcServer::SetServing(bool serving) {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  for (const char* service : {"", v1::PredictionService::service_full_name(), v1::TrainingService::service_full_name(),
                              v1::ModelService::service_full_name()}) {
    health->SetServingStatus(service, serving);
  }
}

void GrpcServer::SetTrainingServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(v1::TrainingService::service_full_name(), serving);
}

void GrpcServer::Stop(absl::Duration grace) { server_->Shutdown(absl::ToChronoTime(absl::Now() + grace)); }

}  // namespace polyscene
