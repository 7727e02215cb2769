// A small HTTP server for people and Prometheus: /metrics, /healthz, and / with a short status page.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace httplib {
class Server;
}

namespace polyscene {

struct HttpEndpointOptions {
  std::string listen;  // HOST:PORT, an IPv6 host in brackets. Port 0 takes a free one.
  // What the pages show, asked for on each request, from the endpoint's own threads.
  std::function<std::string()> metrics;                                      // Prometheus text format.
  std::function<std::vector<std::pair<std::string, std::string>>()> status;  // Names and values, in order.
  std::function<bool()> serving;                                             // /healthz answers 200, else 503.
};

// Runs on threads of its own until destroyed. prometheus::Exposer would do the same, but its threads' stacks are too
// small for the thread-local storage of a process that links LibTorch.
class HttpEndpoint {
 public:
  //   kInvalidArgument    `listen` is not HOST:PORT
  //   kFailedPrecondition the address cannot be had: another process has it, or the host has no such address
  static absl::StatusOr<std::unique_ptr<HttpEndpoint>> Start(HttpEndpointOptions options);

  ~HttpEndpoint();  // Finishes answers in flight.

  const std::string& address() const { return address_; }  // HOST:PORT with the port that was bound.

 private:
  explicit HttpEndpoint(HttpEndpointOptions options);
  std::string StatusPage() const;

  const HttpEndpointOptions options_;
  std::unique_ptr<httplib::Server> server_;
  std::string address_;
  std::thread thread_;
};

}  // namespace polyscene
