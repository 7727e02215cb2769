// `polyscene pause` and `polyscene resume`: whether the server learns.
#include <iostream>

#include "absl/time/time.h"
#include "client/cli/commands.h"
#include "client/lib/client.h"
#include "model/report/figure_json.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

void Print(const CommonFlags& common, bool paused, uint64_t learned_offset) {
  if (common.json) {
    PrintJson({{"learning_paused", paused}, {"learned_offset", learned_offset}});
  } else {
    std::cout << (paused ? "paused: learning stands at offset " : "learning goes on from offset ")
              << WithThousands(static_cast<long long>(learned_offset)) << " of the event log\n";
  }
}

// A step is over in milliseconds, a checkpoint that is just written in seconds; somebody waits at the terminal.
constexpr absl::Duration kPauseTimeout = absl::Seconds(20);

int Pause(const CommonFlags& common) {
  const absl::StatusOr<v1::PauseLearningResponse> paused =
      client::Client({.server = common.server, .save_timeout = kPauseTimeout}).PauseLearning();
  if (!paused.ok()) return Fail(paused.status());
  Print(common, true, paused->learned_offset());
  return kDone;
}

int Resume(const CommonFlags& common) {
  const absl::StatusOr<v1::ResumeLearningResponse> resumed = client::Client({.server = common.server}).ResumeLearning();
  if (!resumed.ok()) return Fail(resumed.status());
  Print(common, false, resumed->learned_offset());
  return kDone;
}

}  // namespace

void AddLearningCommands(CLI::App& app, const CommonFlags& common, SetWork set_work) {
  CLI::App* pause = app.add_subcommand("pause", "Stop learning until `polyscene resume` or the server's restart");
  pause->footer(
      "The step under way is finished. Events are still accepted and logged, and Predict goes on with the weights "
      "that\n"
      "there are.\n\nExample:\n  polyscene pause && polyscene status && polyscene resume");
  pause->callback([&common, set_work] { set_work([&common] { return Pause(common); }); });

  CLI::App* resume = app.add_subcommand("resume", "Learn on from where `polyscene pause` stopped");
  resume->footer("Example:\n  polyscene resume");
  resume->callback([&common, set_work] { set_work([&common] { return Resume(common); }); });
}

}  // namespace polyscene::cli
