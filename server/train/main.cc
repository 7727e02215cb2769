// polyscene-train: trains on files or on an event log, offline.
#include <csignal>
#include <exception>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "model/offline/train_flags.h"
#include "model/offline/train_program.h"
#include "model/report/interrupt.h"
#include "server/train/log_rows.h"

namespace polyscene {
namespace {

// Exit statuses, as every program of the house has them.
constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsedWrongly = 2;

int Main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // `polyscene-train ... | head` ends by a failed write, not by a signal.
  const absl::StatusOr<TrainFlags> flags = ReadTrainFlags(argc, argv);
  if (absl::IsCancelled(flags.status())) {
    std::cout << flags.status().message() << std::flush;
    return kDone;
  }
  if (!flags.ok()) {
    std::cerr << absl::StrCat("polyscene-train: ", flags.status().message(),
                              "\nRun with --help for more information.\n");
    return kUsedWrongly;
  }
  CatchInterrupts();
  const absl::Status status = RunTrainProgram(*flags, TrainSources{LogRows::Open}, std::cout, std::cerr);
  if (status.ok()) return kDone;
  std::cerr << absl::StrCat("polyscene-train: ", status.message(), " [", absl::StatusCodeToString(status.code()),
                            "]\n");
  return kFailed;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) {
  try {
    return polyscene::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "polyscene-train: " << error.what() << "\n";
    return 1;
  }
}
