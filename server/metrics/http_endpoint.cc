#include "server/metrics/http_endpoint.h"

#include <httplib.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "server/config/address.h"

namespace polyscene {
namespace {

constexpr int kThreads = 4;                // A scraper, a load balancer's probe, two people.
constexpr int kTimeoutSeconds = 5;         // So that a client which stops talking frees its thread.
constexpr size_t kMaxRequestBytes = 4096;  // Nothing here takes a body.

std::string EscapeHtml(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

}  // namespace

HttpEndpoint::HttpEndpoint(HttpEndpointOptions options)
    : options_(std::move(options)), server_(std::make_unique<httplib::Server>()) {
  // The library's own choice, SO_REUSEPORT, would let a second server share the port and take half of the scrapes.
  server_->set_socket_options([](int socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  server_->new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server_->set_read_timeout(kTimeoutSeconds, 0);
  server_->set_write_timeout(kTimeoutSeconds, 0);
  server_->set_keep_alive_timeout(1);
  server_->set_payload_max_length(kMaxRequestBytes);

  server_->Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
    response.set_content(options_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
  });
  server_->Get("/healthz", [this](const httplib::Request&, httplib::Response& response) {
    const bool serving = options_.serving();
    response.status = serving ? 200 : 503;
    response.set_content(serving ? "serving\n" : "not serving\n", "text/plain; charset=utf-8");
  });
  server_->Get("/", [this](const httplib::Request&, httplib::Response& response) {
    response.set_content(StatusPage(), "text/html; charset=utf-8");
  });
}

std::string HttpEndpoint::StatusPage() const {
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Polyscene</title></head>\n<body>\n"
      "<h1>Polyscene</h1>\n<table>\n";
  for (const auto& [name, value] : options_.status()) {
    absl::StrAppend(&page, "<tr><th align=\"left\">", EscapeHtml(name), "</th><td>", EscapeHtml(value), "</td></tr>\n");
  }
  absl::StrAppend(&page, "</table>\n<p><a href=\"/metrics\">metrics</a>, <a href=\"/healthz\">health</a></p>\n",
                  "</body></html>\n");
  return page;
}

absl::StatusOr<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Start(HttpEndpointOptions options) {
  const absl::StatusOr<HostPort> wanted = ParseHostPort(options.listen);
  if (!wanted.ok()) return wanted.status();
  std::unique_ptr<HttpEndpoint> endpoint(new HttpEndpoint(std::move(options)));
  errno = 0;
  int port = wanted->port;
  if (port == 0) {
    port = endpoint->server_->bind_to_any_port(wanted->host);
  } else if (!endpoint->server_->bind_to_port(wanted->host, port)) {
    port = -1;
  }
  if (port < 0) {
    return absl::FailedPreconditionError(absl::StrCat("cannot listen on ", endpoint->options_.listen, " for metrics: ",
                                                      errno != 0 ? std::strerror(errno) : "no such address"));
  }
  endpoint->address_ = absl::StrCat(
      absl::string_view(endpoint->options_.listen).substr(0, endpoint->options_.listen.rfind(':')), ":", port);
  endpoint->thread_ = std::thread([server = endpoint->server_.get()] { server->listen_after_bind(); });
  // The library ignores a stop() that comes before its loop has begun.
  while (!endpoint->server_->is_running()) std::this_thread::yield();
  return endpoint;
}

HttpEndpoint::~HttpEndpoint() {
  server_->stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace polyscene
