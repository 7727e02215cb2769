#include "tests/bench/support/started_server.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(1);

}  // namespace

StartedServer::StartedServer(const std::filesystem::path& directory, const std::string& program,
                             const std::function<std::vector<std::string>(const std::string& address)>& arguments)
    : address_(absl::StrCat("127.0.0.1:", FreePort())) {
  ServerCommand command;
  command.program = program;
  command.arguments = arguments(address_);
  command.errors_path = (directory / "errors.log").string();
  process_ = std::make_unique<ServerProcess>(command);
  const absl::Status status = process_->WaitUntilServing(kPatience);
  if (status.ok()) return;
  std::ifstream errors(command.errors_path);
  for (std::string line; std::getline(errors, line);) std::fprintf(stderr, "%s\n", line.c_str());
  std::fprintf(stderr, "%s: %s\n", program.c_str(), status.ToString().c_str());
  std::exit(1);
}

StartedServer StartModelServer(const std::filesystem::path& directory, const std::string& name, const ModelSpec& spec,
                               const std::filesystem::path& checkpoint) {
  const std::filesystem::path file = directory / (name + ".textproto");
  std::ofstream(file) << spec.file().DebugString();
  return StartedServer(directory, POLYSCENE_SERVER_PROGRAM, [&](const std::string& address) {
    std::vector<std::string> arguments = {"--model",  file.string(), "--data_dir",       (directory / name).string(),
                                          "--listen", address,       "--metrics_listen", "127.0.0.1:0",
                                          "--device", "cpu"};
    if (!checkpoint.empty()) arguments.insert(arguments.end(), {"--warm_start", checkpoint.string()});
    return arguments;
  });
}

}  // namespace polyscene
