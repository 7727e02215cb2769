// crash_soak --kills N: the proof in its long form, in runs of a data directory each. A run that fails leaves its
// directory, and the others go on; the exit status is then 1.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <system_error>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/fault/fault_point.h"
#include "tests/faults/crash_run.h"

namespace polyscene {
namespace {

struct Flags {
  int kills = 1000;
  int kills_per_run = 40;
  uint64_t seed = 1;
  std::string directory = (std::filesystem::temp_directory_path() / "polyscene_soak").string();
  std::string server = POLYSCENE_SERVER_PROGRAM;
  std::string train = POLYSCENE_TRAIN_PROGRAM;
};

struct Totals {
  int kills = 0;
  int at_random = 0;
  int64_t rows = 0;
  int64_t answers = 0;
  std::map<std::string, int> reached;
  int runs = 0;
  int failed = 0;

  void Add(const CrashReport& report, bool ok) {
    kills += report.kills;
    at_random += report.at_random;
    rows += report.rows;
    answers += report.answers;
    for (const auto& [name, count] : report.reached) reached[name] += count;
    ++runs;
    if (!ok) ++failed;
  }
};

void PrintSummary(const Totals& totals, absl::Duration took) {
  std::cout << "\n"
            << totals.kills << " kills in " << totals.runs << " runs, " << absl::FormatDuration(took) << "; "
            << totals.rows << " rows acknowledged, " << totals.answers << " answers looked at\n"
            << "at random moments " << totals.at_random << "; at fault points:\n";
  for (const char* name : kFaultPoints) {
    const auto found = totals.reached.find(name);
    std::printf("  %-22s %d\n", name, found == totals.reached.end() ? 0 : found->second);
  }
  std::fflush(stdout);
  std::cout << (totals.failed == 0 ? "0 lost, 0 doubled, bit-equal to uninterrupted runs"
                                   : absl::StrCat(totals.failed, " runs FAILED"))
            << std::endl;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Kills a server again and again and proves that nothing is lost.", "crash_soak");
  app.add_option("--kills", flags.kills, "How often in all")->capture_default_str();
  app.add_option("--kills_per_run", flags.kills_per_run, "How often one data directory's server")
      ->capture_default_str();
  app.add_option("--seed", flags.seed, "Of the first run; the next one's is one more")->capture_default_str();
  app.add_option("--directory", flags.directory, "Where the runs' files lie; a run that fails leaves them")
      ->capture_default_str();
  app.add_option("--server", flags.server, "polyscene-server")->type_name("PROGRAM");
  app.add_option("--train", flags.train, "polyscene-train")->type_name("PROGRAM");
  app.footer("Example:\n  tests/faults/soak.sh --kills 1000");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  Totals totals;
  const absl::Time start = absl::Now();
  while (totals.kills < flags.kills) {
    CrashRunOptions options;
    options.server_program = flags.server;
    options.train_program = flags.train;
    options.seed = flags.seed + static_cast<uint64_t>(totals.runs);
    options.kills = std::min(flags.kills_per_run, flags.kills - totals.kills);
    options.directory = std::filesystem::path(flags.directory) / absl::StrCat("seed_", options.seed);
    std::error_code error;
    std::filesystem::remove_all(options.directory, error);
    CrashReport report;
    const absl::Status status = RunCrashes(options, &report);
    totals.Add(report, status.ok());
    if (status.ok()) std::filesystem::remove_all(options.directory, error);
    std::cout << totals.kills << "/" << flags.kills << " kills, "
              << absl::FormatDuration(absl::Trunc(absl::Now() - start, absl::Seconds(1))) << "; seed " << options.seed
              << ": " << report.rows << " rows, " << report.connections << " connections, "
              << (status.ok()
                      ? "equal"
                      : absl::StrCat("FAILED, its files are in ", options.directory.string(), ": ", status.message()))
              << std::endl;
    if (!status.ok() && report.kills == 0) break;  // It cannot be run at all.
  }
  PrintSummary(totals, absl::Now() - start);
  return totals.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Main(argc, argv); }
