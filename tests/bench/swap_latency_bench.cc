// What a swap every second does to latency: a server under an open loop at 60 % of what it can, with a few events a
// second, each of which is learned and published, against none.
//
//   swap_latency_bench [SECONDS [PAIRS]]        of a window, 5; 12 pairs
//
// Requests of 100 candidates of the reference model, Poisson arrivals, timed from when they were due.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "client/lib/event_stream.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/event_batch.h"
#include "tests/bench/support/machine.h"
#include "tests/bench/support/reference_model.h"
#include "tests/bench/support/server_load.h"
#include "tests/bench/support/started_server.h"
#include "tests/bench/support/table_row.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

constexpr int kCandidates = 100;
constexpr int kInFlight = 16;
constexpr double kLoad = 0.6;
constexpr double kCapacitySeconds = 3;
constexpr int64_t kEventRows = 16;

// Sends a few events every second, from its making until its end; each is then learned and published.
class Trickle {
 public:
  Trickle(const std::shared_ptr<const ModelSpec>& spec, client::EventStream& stream)
      : spec_(spec), stream_(stream), rows_(spec, 11) {
    thread_ = std::thread([this] { Run(); });
  }
  ~Trickle() {
    stopping_ = true;
    thread_.join();
  }

 private:
  void Run() {
    for (absl::Time next = absl::Now(); !stopping_; absl::SleepFor(absl::Milliseconds(20))) {
      if (absl::Now() < next) continue;
      next += absl::Seconds(1);
      Check(stream_.Send(ToEventBatch(*spec_, 0, rows_.Examples(kEventRows))).status());
    }
  }

  const std::shared_ptr<const ModelSpec> spec_;
  client::EventStream& stream_;
  ReferenceRows rows_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

int Run(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 5;
  const int pairs = argc > 2 ? std::atoi(argv[2]) : 12;
  PrintMachine();
  const auto spec = ReferenceSpec();
  const TempDirectory directory;
  const StartedServer server = StartModelServer(directory.path(), "model", *spec);
  load::PoolOptions pool_options;
  pool_options.candidates = kCandidates;
  ServerLoad load("server", server.address(), Check(load::RandomRequests(spec->file(), pool_options, kReferenceIds)));
  load.ClosedLoop(kInFlight, 1);
  const double rate = kLoad * RequestsPerSecond(load.ClosedLoop(kInFlight, kCapacitySeconds));
  client::EventStreamOptions stream_options;
  stream_options.server = server.address();
  stream_options.producer_id = "swap_latency_bench";
  client::EventStream stream(stream_options);

  std::vector<double> with, without;
  double versions = 0;
  for (int pair = -1; pair < pairs; ++pair) {
    for (const bool swapping : {pair % 2 == 0, pair % 2 != 0}) {
      double p99 = 0;
      if (swapping) {
        const Trickle trickle(spec, stream);
        const load::LoadResult result = load.OpenLoop(rate, seconds);
        p99 = P99Millis(result);
        versions += pair < 0 ? 0 : static_cast<double>(result.measured.versions.size());
      } else {
        Check(stream.WaitFor(client::Milestone::kServed));
        p99 = P99Millis(load.OpenLoop(rate, seconds));
      }
      if (pair >= 0) (swapping ? with : without).push_back(p99);  // The first pair warms up.
    }
  }
  PrintFigure("p99 with a swap every second over none, open loop at 60 % load", IntervalOf(Ratios(with, without)),
              AtMost(1.05, "x"),
              absl::StrFormat("%.2f ms against %.2f ms at %.0f requests/s; %.1f versions a window of %g s",
                              Median(with), Median(without), rate, versions / pairs, seconds));
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
