// polyscene-server: serves and learns one model until SIGTERM or SIGINT.
#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/learning/learner.h"
#include "model/serving/predictor.h"
#include "server/config/settings.h"
#include "server/eventlog/log_dump.h"
#include "server/log/log.h"
#include "server/server.h"

namespace polyscene {
namespace {

// Exit statuses, as every program of the house has them.
constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsedWrongly = 2;

// Blocks them in this thread and in all that it starts, so that they wait for sigwait().
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int Fail(int exit_status, const absl::Status& status) {
  std::cerr << "polyscene-server: " << status.message() << std::endl;
  return exit_status;
}

ServerModel MakeModel(const ServerSettings& settings, const std::string& device) {
  LearnerOptions options;
  options.key = settings.hash_key;
  options.device = device;
  options.threads = settings.config.trainer_threads();
  options.warm = true;
  ServerModel model;
  model.device = device;
  model.learner.create = [spec = settings.model, options] { return CreateLearner(spec, options); };
  model.learner.load = [spec = settings.model, options](const std::filesystem::path& directory) {
    return LoadLearner(spec, options, directory);
  };
  model.predictor = [spec = settings.model, options] { return CreatePredictor(spec, options.key, options.device); };
  return model;
}

int Dump(const DumpSettings& dump) {
  const absl::Status status = DumpLog({dump.data_dir, dump.from, dump.count}, std::cout);
  return status.ok() ? kDone : Fail(kFailed, status);
}

int Main(int argc, char** argv) {
  const sigset_t stop_signals = BlockStopSignals();
  signal(SIGPIPE, SIG_IGN);  // A scraper that hangs up is no reason to die.
  absl::StatusOr<ServerSettings> settings = ReadSettings(argc, argv);
  if (settings.status().code() == absl::StatusCode::kCancelled) {
    std::cout << settings.status().message() << std::endl;
    return kDone;
  }
  if (!settings.ok()) return Fail(kUsedWrongly, settings.status());
  if (settings->dump_log.has_value()) return Dump(*settings->dump_log);
  const absl::StatusOr<std::string> device = ResolveDevice(settings->config.device());
  if (!device.ok()) return Fail(kUsedWrongly, device.status());
  LogInfo(absl::StrCat("model '", settings->model->file().name(), "', fingerprint ", settings->model->fingerprint_hex(),
                       ", device ", *device, "; ", DescribeBackend(),
                       "; forward: ", DescribeForward(settings->model, *device)));

  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(*settings, MakeModel(*settings, *device));
  if (!server.ok()) return Fail(kFailed, server.status());
  // Scripts wait for these lines, word for word.
  std::cout << "listening on " << (*server)->address() << std::endl;
  std::cout << "metrics on http://" << (*server)->metrics_address() << "/metrics" << std::endl;
  if (absl::Status status = (*server)->Serve(); !status.ok()) return Fail(kFailed, status);
  std::cout << "serving version " << (*server)->version() << std::endl;

  int received = 0;
  sigwait(&stop_signals, &received);
  LogInfo(absl::StrCat("stopping on ", received == SIGINT ? "SIGINT" : "SIGTERM"));
  (*server)->Stop();
  const absl::Status saved = (*server)->saved();
  server->reset();
  if (!saved.ok()) {
    return Fail(kFailed,
                absl::Status(saved.code(),
                             absl::StrCat("stopped, but without a last checkpoint: ", saved.message(),
                                          "; what was learned since the one before is learned again from the log")));
  }
  LogInfo("stopped");
  return kDone;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Main(argc, argv); }
