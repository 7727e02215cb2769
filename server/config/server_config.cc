#include "server/config/server_config.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/config/address.h"
#include "server/sync/processors.h"

namespace polyscene {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kMaxRows = 10'000'000;  // Beyond, one call's rows outgrow memory before they are counted.
constexpr int64_t kMaxBytes = std::numeric_limits<int64_t>::max();
constexpr int64_t kMaxMessageBytes = std::numeric_limits<int32_t>::max();  // gRPC takes it as an int.
constexpr double kMaxSyncMs = 1000;                                        // An acknowledgement waits for it.
constexpr double kMaxGraceSeconds = 3600;
constexpr double kMaxLabelWaitSeconds = 30 * 86400;
constexpr int kMaxStreamRequests = 1'000'000;  // Each is held in memory until it is answered.

// "auto", "cpu" or "cuda:N".
bool IsDevice(absl::string_view device) {
  if (device == "auto" || device == "cpu") return true;
  int index = 0;
  return absl::ConsumePrefix(&device, "cuda:") && !device.empty() && absl::ascii_isdigit(device[0]) &&
         absl::SimpleAtoi(device, &index);
}

class ConfigChecker {
 public:
  ConfigChecker(const Place& place, Mistakes& mistakes) : place_(place), mistakes_(mistakes) {}

  void Address(absl::string_view key, const std::string& value) {
    if (value.empty()) return;
    const absl::StatusOr<HostPort> address = ParseHostPort(value);
    if (!address.ok()) Tell(key, absl::StrCat(key, " is ", address.status().message()));
  }
  void Integer(absl::string_view key, int64_t value, int64_t min, int64_t max) {
    if (value == 0 || (value >= min && value <= max)) return;
    const std::string expected = max == kMaxBytes ? absl::StrCat(min, " or more") : absl::StrCat(min, " to ", max);
    Tell(key, absl::StrCat(key, " is ", value, ", expected ", expected, " (0: the default)"));
  }
  void Number(absl::string_view key, double value, double max) {
    if (std::isfinite(value) && value >= 0 && value <= max) return;
    Tell(key, absl::StrCat(key, " is ", value, ", expected above 0 to ", max, " (0: the default)"));
  }
  void Tell(absl::string_view key, std::string what) { mistakes_.Add(place_.Field(key), std::move(what)); }

 private:
  const Place& place_;
  Mistakes& mistakes_;
};

int Or(int value, int fallback) { return value == 0 ? fallback : value; }
int64_t Or(int64_t value, int64_t fallback) { return value == 0 ? fallback : value; }
double Or(double value, double fallback) { return value == 0 ? fallback : value; }

}  // namespace

void CheckServerConfig(const v1::ServerConfig& config, const Place& place, Mistakes& mistakes) {
  ConfigChecker check(place, mistakes);
  check.Address("listen", config.listen());
  check.Address("metrics_listen", config.metrics_listen());
  if (!config.device().empty() && !IsDevice(config.device())) {
    check.Tell("device",
               absl::StrCat("device is '", config.device(), "', expected auto, cpu or cuda:N, for example cuda:0"));
  }
  check.Integer("predict_threads", config.predict_threads(), 1, kMaxThreads);
  check.Integer("trainer_threads", config.trainer_threads(), 1, kMaxThreads);
  check.Integer("trainer_nice", config.trainer_nice(), 0, 19);
  check.Integer("max_request_rows", config.max_request_rows(), 1, kMaxRows);
  check.Integer("max_batch_rows", config.max_batch_rows(), 1, kMaxRows);
  check.Integer("max_queue_rows", config.max_queue_rows(), 1, std::numeric_limits<int32_t>::max());
  check.Integer("max_queue_bytes", config.max_queue_bytes(), 1, kMaxBytes);
  check.Integer("max_batch_events", config.max_batch_events(), 1, kMaxRows);
  check.Integer("max_message_bytes", config.max_message_bytes(), 1024, kMaxMessageBytes);
  check.Number("log_sync_interval_ms", config.log_sync_interval_ms(), kMaxSyncMs);
  check.Integer("log_retention_bytes", config.log_retention_bytes(), 1, kMaxBytes);
  check.Integer("log_max_pending_bytes", config.log_max_pending_bytes(), 1024, kMaxBytes);
  check.Integer("checkpoints_kept", config.checkpoints_kept(), 1, 1000);
  check.Number("stop_grace_seconds", config.stop_grace_seconds(), kMaxGraceSeconds);
  check.Integer("log_max_bytes", config.log_max_bytes(), 1 << 20, kMaxBytes);
  check.Integer("disk_reserve_bytes", config.disk_reserve_bytes(), 1, kMaxBytes);
  check.Number("label_wait_seconds", config.label_wait_seconds(), kMaxLabelWaitSeconds);
  check.Integer("max_remembered_bytes", config.max_remembered_bytes(), 1 << 20, kMaxBytes);
  check.Integer("max_stream_requests", config.max_stream_requests(), 1, kMaxStreamRequests);
}

void FillServerDefaults(v1::ServerConfig& config) {
  if (config.listen().empty()) config.set_listen("127.0.0.1:50051");
  if (config.metrics_listen().empty()) config.set_metrics_listen("127.0.0.1:9464");
  if (config.device().empty()) config.set_device("auto");
  const int cores = std::min(Processors(), kMaxThreads);
  config.set_predict_threads(Or(config.predict_threads(), cores));
  config.set_trainer_threads(Or(config.trainer_threads(), 1));
  config.set_trainer_nice(Or(config.trainer_nice(), 19));
  config.set_max_request_rows(Or(config.max_request_rows(), 10'000));
  config.set_max_batch_rows(Or(config.max_batch_rows(), 1'024));
  config.set_max_queue_rows(Or(config.max_queue_rows(), 100'000));
  config.set_max_queue_bytes(Or(config.max_queue_bytes(), int64_t{256} << 20));
  config.set_max_batch_events(Or(config.max_batch_events(), 10'000));
  config.set_max_message_bytes(Or(config.max_message_bytes(), int64_t{16} << 20));
  config.set_log_sync_interval_ms(Or(config.log_sync_interval_ms(), 2.0));
  config.set_log_retention_bytes(Or(config.log_retention_bytes(), int64_t{16} << 30));
  config.set_log_max_pending_bytes(Or(config.log_max_pending_bytes(), int64_t{64} << 20));
  config.set_checkpoints_kept(Or(config.checkpoints_kept(), 3));
  config.set_stop_grace_seconds(Or(config.stop_grace_seconds(), 10.0));
  config.set_disk_reserve_bytes(Or(config.disk_reserve_bytes(), int64_t{256} << 20));
  config.set_label_wait_seconds(Or(config.label_wait_seconds(), 600.0));
  config.set_max_remembered_bytes(Or(config.max_remembered_bytes(), int64_t{64} << 30));
  config.set_max_stream_requests(Or(config.max_stream_requests(), 256));
}

}  // namespace polyscene
