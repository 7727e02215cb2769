// `polyscene`: the client command.
#include <csignal>
#include <exception>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/commands.h"

namespace polyscene::cli {
namespace {

int Main(int argc, char** argv) {
  CLI::App app("Talks to a Polyscene server: predict, stream events in, look at what it learned.", "polyscene");
  app.footer(
      "Examples, with a server that runs deploy/models/marketplace.textproto:\n"
      "  polyscene simulate --rows 50000 --stream && polyscene status\n"
      "  polyscene simulate --requests 1 --out request.csv && polyscene predict request.csv --scene search");
  app.require_subcommand(1);
  app.fallthrough();  // `polyscene stream F --server X` is `polyscene --server X stream F`.

  app.set_version_flag("--version", "polyscene " POLYSCENE_VERSION);

  CommonFlags flags;
  app.add_option("--server", flags.server, "The server's gRPC address, HOST:PORT")->capture_default_str();
  app.add_flag("--json", flags.json, "Print the result as one JSON object on standard output");

  Work work;
  const SetWork set_work = [&work](Work chosen) { work = std::move(chosen); };
  AddPredictCommand(app, flags, set_work);
  AddStreamCommand(app, flags, set_work);
  AddSimulateCommand(app, flags, set_work);
  AddBenchCommand(app, flags, set_work);
  AddModelCommand(app, flags, set_work);
  AddStatusCommand(app, flags, set_work);
  AddWatchCommand(app, flags, set_work);
  AddHealthCommand(app, flags, set_work);
  AddLearningCommands(app, flags, set_work);
  AddBackupCommand(app, flags, set_work);

  try {
    app.parse(argc, argv);
  } catch (const CLI::RequiredError& error) {
    // What stands where a command should is told by name, rather than that one is missing.
    const std::vector<std::string> words = app.remaining();
    if (words.empty()) return app.exit(error) == 0 ? kDone : kUsedWrongly;
    std::vector<std::string> commands;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
      commands.push_back(command->get_name());
    }
    return UsedWrongly(absl::StrCat("got '", words.front(), "', expected a command: ", absl::StrJoin(commands, ", ")));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsedWrongly;  // --help is an "error" with exit status 0.
  }
  return work();
}

}  // namespace
}  // namespace polyscene::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // `polyscene ... | head` ends by a failed write, not by a signal.
  try {
    return polyscene::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "polyscene: " << error.what() << "\n";
    return polyscene::cli::kFailed;
  }
}
