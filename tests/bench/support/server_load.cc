#include "tests/bench/support/server_load.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "client/load/load_clock.h"
#include "model/spec/model_spec.h"

namespace polyscene {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(30);  // A Python server takes seconds to load PyTorch.
constexpr absl::Duration kTimeout = absl::Seconds(10);

[[noreturn]] void Die(const std::string& name, absl::string_view what) {
  std::fprintf(stderr, "%s: %.*s\n", name.c_str(), static_cast<int>(what.size()), what.data());
  std::exit(1);
}

load::LoadOptions OptionsFor(double seconds) {
  load::LoadOptions options;
  options.warmup = absl::ZeroDuration();
  options.duration = absl::Seconds(seconds);
  options.timeout = kTimeout;
  return options;
}

}  // namespace

v1::ModelFile ReadModelFile(const std::string& path) {
  const auto spec = ModelSpec::Load(path);
  if (!spec.ok()) Die(path, spec.status().message());
  return (*spec)->file();
}

ServerLoad::ServerLoad(std::string name, const std::string& address, std::vector<load::PreparedRequest> pool,
                       int connections)
    : name_(std::move(name)), pool_(std::move(pool)) {
  const auto channels = load::Connect(address, connections, kConnectTimeout);
  if (!channels.ok()) Die(name_, channels.status().message());
  caller_ = std::make_unique<load::UnaryCaller>(*channels, pool_);
}

load::LoadResult ServerLoad::Run(const load::LoadOptions& options) {
  load::MonotonicClock clock;
  load::LoadRun run(options, pool_, *caller_, clock);
  const std::atomic<bool> stop{false};
  load::LoadResult result = run.Run(stop);
  for (const auto& [code, error] : result.measured.errors) Die(name_, code + ": " + error.message);
  if (result.measured.answered == 0) Die(name_, "no request was answered");
  return result;
}

load::LoadResult ServerLoad::ClosedLoop(int concurrency, double seconds) {
  load::LoadOptions options = OptionsFor(seconds);
  options.concurrency = concurrency;
  return Run(options);
}

load::LoadResult ServerLoad::OpenLoop(double rate, double seconds) {
  load::LoadOptions options = OptionsFor(seconds);
  options.rate = rate;
  return Run(options);
}

double RequestsPerSecond(const load::LoadResult& result) {
  return static_cast<double>(result.measured.answers_within) / absl::ToDoubleSeconds(result.window);
}

double P99Millis(const load::LoadResult& result) { return 1e3 * result.measured.latency.QuantileSeconds(0.99); }

}  // namespace polyscene
