// `polyscene health`: whether the server serves, as an exit status.
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/cli/commands.h"
#include "client/lib/client.h"
#include "model/report/figure_json.h"

namespace polyscene::cli {
namespace {

struct HealthFlags {
  std::string service;
  double timeout_seconds = 2;
};

// Why the answer is no; empty: it is yes.
std::string Reason(const std::string& server, const HealthFlags& flags,
                   const absl::StatusOr<client::ServingStatus>& status) {
  const std::string asked = flags.service.empty() ? "" : absl::StrCat(" service '", flags.service, "'");
  if (absl::IsNotFound(status.status())) return absl::StrCat("server ", server, " does not know", asked);
  if (absl::IsDeadlineExceeded(status.status())) {
    return absl::StrCat("server ", server, " did not answer within ", flags.timeout_seconds, " s");
  }
  if (!status.ok()) return absl::StrCat("server ", server, ": ", std::string(status.status().message()));
  if (*status == client::ServingStatus::kServing) return "";
  return absl::StrCat("server ", server, asked, ": ", client::ServingStatusName(*status));
}

int Health(const CommonFlags& common, const HealthFlags& flags) {
  client::Client client({.server = common.server, .timeout = absl::Seconds(flags.timeout_seconds)});
  const absl::StatusOr<client::ServingStatus> status = client.Health(flags.service);
  const std::string reason = Reason(common.server, flags, status);
  if (common.json) {
    Json json;
    json["service"] = flags.service;
    json["serving"] = reason.empty();
    json["status"] = status.ok() ? std::string(client::ServingStatusName(*status)) : "UNKNOWN";
    json["reason"] = reason;
    PrintJson(json);
  } else if (reason.empty()) {
    std::cout << "SERVING\n";
  } else {
    std::cerr << "polyscene: " << reason << "\n";
  }
  return reason.empty() ? kDone : kFailed;
}

}  // namespace

void AddHealthCommand(CLI::App& app, const CommonFlags& common, SetWork set_work) {
  CLI::App* command = app.add_subcommand("health", "Whether the server serves: exit status 0, else 1 with the reason");
  command->footer(
      "The server is asked once, by the standard grpc.health.v1.\n\n"
      "Example:\n  polyscene health --service polyscene.v1.PredictionService --timeout 2");
  auto flags = std::make_shared<HealthFlags>();
  command->add_option("--service", flags->service, "One service by its full name (default: the whole server)");
  command->add_option("--timeout", flags->timeout_seconds, "Seconds to wait for the answer")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  command->callback([&common, flags, set_work] { set_work([&common, flags] { return Health(common, *flags); }); });
}

}  // namespace polyscene::cli
