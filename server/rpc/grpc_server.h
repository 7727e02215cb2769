// gRPC's own side: address, limits, health and reflection.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/server.h"

namespace polyscene {

struct GrpcServerOptions {
  std::string listen;                             // HOST:PORT; port 0 takes a free one.
  int64_t max_message_bytes = int64_t{16} << 20;  // A larger one gets RESOURCE_EXHAUSTED from gRPC itself.
};

// Offers the services given, grpc.health.v1 and reflection. One thread owns it.
class GrpcServer {
 public:
  // Health tells NOT_SERVING from the start. The services outlive this object.
  //   kFailedPrecondition  the address cannot be had; names it
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const GrpcServerOptions& options,
                                                           const std::vector<grpc::Service*>& services);
  ~GrpcServer();  // Stop() without grace.

  // What health tells, overall and of each service; the second of TrainingService alone. Any thread.
  void SetServing(bool serving);
  void SetTrainingServing(bool serving);

  // Refuses new calls, waits for those in flight, cancels what is left after `grace`. Idempotent.
  void Stop(absl::Duration grace);

  const std::string& address() const { return address_; }

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, std::string address)
      : server_(std::move(server)), address_(std::move(address)) {}

  const std::unique_ptr<grpc::Server> server_;
  const std::string address_;
};

}  // namespace polyscene
