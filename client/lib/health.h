// The standard health service, grpc.health.v1.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"

namespace polyscene::client {

// The values of grpc.health.v1.HealthCheckResponse.ServingStatus.
enum class ServingStatus { kUnknown = 0, kServing = 1, kNotServing = 2, kServiceUnknown = 3 };

absl::string_view ServingStatusName(ServingStatus status);  // As the standard writes it: "SERVING", ..

// Asks whether `service` (a full name such as polyscene.v1.PredictionService; empty: the server as a whole) serves. One
// try: that nobody answers is an answer too.
//   kNotFound  the server does not know the service    kUnavailable, kDeadlineExceeded  nobody answers
absl::StatusOr<ServingStatus> CheckHealth(const std::shared_ptr<grpc::Channel>& channel, absl::string_view service,
                                          absl::Duration timeout);

}  // namespace polyscene::client
