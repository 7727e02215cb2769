// From kill -9 to serving: a real server with a large table and logged events that no checkpoint covers.
//
//   recovery_bench DIRECTORY [EVENTS] [KILLS]      DIRECTORY: as checkpoint_bench left it; 100000 events, 3 kills
//
// Every start loads the checkpoint, serves it, and learns the same events anew meanwhile.
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/lib/event_stream.h"
#include "polyscene/v1/model_service.grpc.pb.h"
#include "tests/faults/server_process.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kBatchRows = 100;
constexpr absl::Duration kPatience = absl::Minutes(10);

absl::Status FromGrpc(const grpc::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::UnknownError(status.error_message());
}

// Megabytes of a process at its worst moment.
double PeakMb(pid_t process) {
  std::ifstream file(absl::StrCat("/proc/", process, "/status"));
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

class RecoveryBench {
 public:
  RecoveryBench(fs::path directory, int64_t events)
      : directory_(std::move(directory)), events_(events), address_(absl::StrCat("127.0.0.1:", FreePort())) {}

  absl::Status Run(int kills) {
    fs::remove_all(directory_ / "recovery");
    if (absl::Status status = Start({"--warm_start", (directory_ / "full").string()}); !status.ok()) return status;
    if (absl::Status status = Pause(); !status.ok()) return status;
    if (absl::Status status = Stream(); !status.ok()) return status;
    for (int kill = 0; kill < kills; ++kill) {
      server_->Signal(SIGKILL, kPatience);
      const absl::Time start = absl::Now();
      if (absl::Status status = Start({}); !status.ok()) return status;
      std::printf("from start to serving: %.2f s with %lld events that no checkpoint covers; peak memory %.0f MB\n",
                  absl::ToDoubleSeconds(absl::Now() - start), static_cast<long long>(events_),
                  PeakMb(server_->process()));
      std::fflush(stdout);
      if (absl::Status status = WaitUntilLearned(); !status.ok()) return status;
      std::printf("  and until those are learned: %.2f s\n", absl::ToDoubleSeconds(absl::Now() - start));
      std::fflush(stdout);
    }
    server_.reset();
    fs::remove_all(directory_ / "recovery");
    return absl::OkStatus();
  }

 private:
  absl::Status Start(const std::vector<std::string>& more) {
    ServerCommand command;
    command.program = POLYSCENE_SERVER_PROGRAM;
    command.arguments = {"--model",          (directory_ / "model.textproto").string(),
                         "--data_dir",       (directory_ / "recovery").string(),
                         "--listen",         address_,
                         "--metrics_listen", "127.0.0.1:0",
                         "--device",         "cpu"};
    command.arguments.insert(command.arguments.end(), more.begin(), more.end());
    command.errors_path = (directory_ / "recovery.log").string();
    server_ = std::make_unique<ServerProcess>(command);
    return server_->WaitUntilServing(kPatience);
  }

  std::unique_ptr<v1::ModelService::Stub> Control() const {
    return v1::ModelService::NewStub(grpc::CreateChannel(address_, grpc::InsecureChannelCredentials()));
  }

  absl::Status Pause() const {
    grpc::ClientContext context;
    v1::PauseLearningResponse response;
    return FromGrpc(Control()->PauseLearning(&context, {}, &response));
  }

  absl::Status WaitUntilLearned() const {
    const std::unique_ptr<v1::ModelService::Stub> control = Control();
    for (const absl::Time deadline = absl::Now() + kPatience; absl::Now() < deadline;) {
      grpc::ClientContext context;
      v1::GetStatusResponse status;
      if (absl::Status answer = FromGrpc(control->GetStatus(&context, {}, &status)); !answer.ok()) return answer;
      if (status.learned_offset() == static_cast<uint64_t>(events_)) return absl::OkStatus();
      absl::SleepFor(absl::Milliseconds(20));
    }
    return absl::DeadlineExceededError("the events are not learned");
  }

  absl::Status Stream() const {
    client::EventStreamOptions options;
    options.server = address_;
    options.producer_id = "recovery";
    client::EventStream stream(options);
    for (int64_t row = 0; row < events_; row += kBatchRows) {
      const absl::StatusOr<uint64_t> sent = stream.Send(Batch(std::min(kBatchRows, events_ - row)));
      if (!sent.ok()) return sent.status();
    }
    return stream.Finish(client::Milestone::kLogged, absl::Now() + kPatience);
  }

  // Of checkpoint_bench's model.
  static v1::EventBatch Batch(int64_t rows) {
    static std::mt19937_64 random(1);
    v1::EventBatch batch;
    batch.set_scene("shop");
    batch.set_rows(static_cast<uint32_t>(rows));
    for (const auto& [name, below] : {std::pair("user", 1'000'000), {"item", 10'000'000}, {"brand", 10'000}}) {
      v1::Column& column = *batch.add_columns();
      column.set_name(name);
      for (int64_t i = 0; i < rows; ++i) column.add_ints(static_cast<int64_t>(random() % below));
    }
    v1::Column& price = *batch.add_columns();
    price.set_name("price");
    for (int64_t i = 0; i < rows; ++i) price.add_floats(static_cast<float>(random() % 100));
    v1::Labels& click = *batch.add_labels();
    click.set_task("click");
    for (int64_t i = 0; i < rows; ++i) click.add_values(static_cast<float>(random() % 2));
    return batch;
  }

  const fs::path directory_;
  const int64_t events_;
  const std::string address_;
  std::unique_ptr<ServerProcess> server_;
};

int Run(int argc, char** argv) {
  if (argc < 2 || !fs::exists(fs::path(argv[1]) / "full")) {
    std::fprintf(stderr, "usage: recovery_bench DIRECTORY [EVENTS] [KILLS]\nDIRECTORY: of a run of checkpoint_bench\n");
    return 2;
  }
  RecoveryBench bench(argv[1], argc > 2 ? std::atoll(argv[2]) : 100'000);
  const absl::Status status = bench.Run(argc > 3 ? std::atoi(argv[3]) : 3);
  if (!status.ok()) std::fprintf(stderr, "recovery_bench: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
