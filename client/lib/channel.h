// gRPC's side of the client: the channel, and its statuses as absl's.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"

namespace polyscene::client {

// A channel of its own connection to "HOST:PORT". Connects when first used, and reconnects within two seconds of a
// server's return (gRPC's own default waits up to two minutes).
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& server);

// Same code, same message.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace polyscene::client
