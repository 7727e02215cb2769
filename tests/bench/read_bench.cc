// Reads a file of events as `polyscene stream` and `polyscene-train` do, and drops them: rows a second.
//
//   read_bench FILE.csv[.gz] MODEL.textproto [PASSES]
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "model/data/event_reader.h"
#include "model/spec/model_spec.h"

namespace polyscene {
namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

int Run(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: read_bench FILE.csv[.gz] MODEL.textproto [PASSES]\n");
    return 2;
  }
  const auto spec = ModelSpec::Load(argv[2]);
  if (!spec.ok()) return Fail(spec.status());
  const int passes = argc > 3 ? std::max(std::atoi(argv[3]), 1) : 5;
  std::vector<double> rates;
  for (int pass = 0; pass < passes; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    auto reader = EventReader::Open(argv[1], (*spec)->file());
    if (!reader.ok()) return Fail(reader.status());
    EventTable table;
    for (;;) {
      const absl::StatusOr<bool> more = (*reader)->Next(&table);
      if (!more.ok()) return Fail(more.status());
      if (!*more) break;
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    rates.push_back(static_cast<double>((*reader)->rows_read()) / seconds);
    std::printf("%lld rows, %lld refused, %.3f s, %.0f rows/s\n", static_cast<long long>((*reader)->rows_read()),
                static_cast<long long>((*reader)->lines_rejected()), seconds, rates.back());
  }
  std::sort(rates.begin(), rates.end());
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("median %.0f rows/s, at most %ld MiB resident\n", rates[rates.size() / 2], usage.ru_maxrss >> 10);
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
