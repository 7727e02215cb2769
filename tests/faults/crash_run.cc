#include "tests/faults/crash_run.h"

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "model/fault/fault_point.h"
#include "tests/faults/crash_model.h"
#include "tests/faults/late_labeller.h"
#include "tests/faults/producer.h"
#include "tests/faults/server_process.h"
#include "tests/faults/verdict.h"
#include "tests/faults/witness.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

// Far beyond what anything takes, also on a busy machine.
constexpr absl::Duration kPatience = absl::Minutes(3);
// A server may never come to the point that it is to die at: then it dies here.
constexpr absl::Duration kFaultPatience = absl::Seconds(8);
constexpr double kRandomShare = 0.35;  // Of the kills, at random moments.

absl::Status Lost(const std::string& what) { return absl::DataLossError(what); }

class CrashRun {
 public:
  CrashRun(const CrashRunOptions& options, CrashReport* report)
      : options_(options),
        report_(*report),
        random_(options.seed),
        address_(absl::StrCat("127.0.0.1:", FreePort())),
        data_(options.directory / "data"),
        replay_(options.directory / "replay") {}

  absl::Status Run() {
    WriteFiles();
    if (absl::Status status = StreamAndKill(); !status.ok()) return status;
    return Compare();
  }

 private:
  struct State {
    std::string answers;
    std::string digest;
    v1::GetStatusResponse status;
  };

  void WriteFiles() {
    fs::create_directories(options_.directory);
    std::ofstream(options_.directory / "model.textproto") << CrashModelText();
    // Each row is scored alone: in a batch its scores may differ in the last bit.
    std::ofstream(options_.directory / "server.textproto")
        << "predict_threads: 1 log_sync_interval_ms: 1 max_batch_rows: 1\n";
  }

  std::unique_ptr<ServerProcess> StartServer(const fs::path& data, const std::string& fault) const {
    ServerCommand command;
    command.program = options_.server_program;
    command.arguments = {"--model",          (options_.directory / "model.textproto").string(),
                         "--config",         (options_.directory / "server.textproto").string(),
                         "--data_dir",       data.string(),
                         "--listen",         address_,
                         "--metrics_listen", "127.0.0.1:0",
                         "--device",         "cpu"};
    command.errors_path = (options_.directory / "server.log").string();
    command.fault = fault;
    return std::make_unique<ServerProcess>(command);
  }

  absl::Status StreamAndKill() {
    std::vector<std::string> names;
    std::vector<std::unique_ptr<Producer>> producers;
    for (int number = 0; number < options_.producers; ++number) {
      names.push_back(Producer::Name(number));
      producers.push_back(std::make_unique<Producer>(address_, number, options_.batch_interval));
    }
    names.push_back(LateLabeller::Name());
    LateLabeller labeller(address_, options_.batch_interval);
    Witness witness(address_, names);
    for (int kill = 0; kill < options_.kills; ++kill) {
      if (absl::Status status = KillOnce(); !status.ok()) return status;
    }

    const std::unique_ptr<ServerProcess> server = StartServer(data_, "");
    if (absl::Status status = server->WaitUntilServing(kPatience); !status.ok()) return status;
    int64_t good_rows = 0;
    for (const std::unique_ptr<Producer>& producer : producers) {
      if (absl::Status status = producer->Finish(kPatience); !status.ok()) return status;
      batches_.push_back(producer->batches());
      good_rows += producer->good_rows();
      report_.rows += producer->rows_accepted();
      report_.connections += producer->connections();
      report_.batches += static_cast<int64_t>(producer->batches());
    }
    if (absl::Status status = labeller.Finish(kPatience); !status.ok()) return status;
    remembered_ = labeller.requests();
    witness.End();
    report_.answers = witness.answers();
    if (const std::vector<std::string> said = witness.contradictions(); !said.empty()) {
      return Lost(absl::StrJoin(said, "\n"));
    }
    if (report_.rows != good_rows) {
      return Lost(absl::StrCat(report_.rows, " rows were acknowledged, expected ", good_rows));
    }
    return Save(*server, data_, &final_);
  }

  absl::Status KillOnce() {
    std::string fault;
    if (std::uniform_real_distribution<>()(random_) >= kRandomShare) fault = NextFault();
    const std::unique_ptr<ServerProcess> server = StartServer(data_, fault);
    bool ended = false;
    if (fault.empty()) {
      const double share = std::uniform_real_distribution<>()(random_);
      ended = server->WaitForEnd(options_.longest_life * share);
    } else {
      ended = server->WaitForEnd(kFaultPatience);
    }
    if (!ended) {
      server->Signal(SIGKILL, kPatience);
      ++report_.at_random;
    } else if (!fault.empty() && server->EndText() == "signal 9") {
      ++report_.reached[fault.substr(0, fault.find('@'))];
    } else {
      return absl::InternalError(absl::StrCat("the server ended by itself: ", server->EndText(), ", see ",
                                              (options_.directory / "server.log").string()));
    }
    ++report_.kills;
    return absl::OkStatus();
  }

  // Every point once, in a random order, and again. What happens often is let pass a random number of times.
  std::string NextFault() {
    if (faults_.empty()) {
      faults_.assign(std::begin(kFaultPoints), std::end(kFaultPoints));
      std::shuffle(faults_.begin(), faults_.end(), random_);
    }
    const std::string name = faults_.back();
    faults_.pop_back();
    const bool often = name.rfind("log.", 0) == 0 || name.rfind("journal.", 0) == 0 || name.rfind("step.", 0) == 0;
    const bool seldom = name == "publish.reserve" || name.rfind("checkpoint.", 0) == 0;
    const int most = often ? 60 : seldom ? 2 : 8;
    return absl::StrCat(name, "@", std::uniform_int_distribution<>(1, most)(random_));
  }

  // Ends `server` after a checkpoint of everything in the log; its state.
  absl::Status Save(ServerProcess& server, const fs::path& data, State* state) {
    const std::shared_ptr<grpc::Channel> channel = grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
    const std::unique_ptr<v1::ModelService::Stub> model = v1::ModelService::NewStub(channel);
    const absl::Time deadline = absl::Now() + kPatience;
    do {
      grpc::ClientContext context;
      context.set_wait_for_ready(true);
      context.set_deadline(absl::ToChronoTime(deadline));
      const grpc::Status status = model->GetStatus(&context, {}, &state->status);
      if (!status.ok()) return absl::UnavailableError(absl::StrCat("GetStatus: ", status.error_message()));
      if (absl::Now() > deadline) return absl::DeadlineExceededError("the log is not learned");
      absl::SleepFor(absl::Milliseconds(10));
    } while (state->status.served_offset() < state->status.log_end_offset());
    grpc::ClientContext context;
    v1::SaveCheckpointResponse saved;
    const grpc::Status status = model->SaveCheckpoint(&context, {}, &saved);
    if (!status.ok()) return absl::InternalError(absl::StrCat("SaveCheckpoint: ", status.error_message()));
    absl::StatusOr<std::string> answers = AnswersOf(address_);
    if (!answers.ok()) return answers.status();
    state->answers = *std::move(answers);
    if (!server.Signal(SIGTERM, kPatience) || server.EndText() != "exit status 0") {
      return absl::InternalError(absl::StrCat("after SIGTERM: ", server.EndText()));
    }
    if (options_.train_program.empty()) return absl::OkStatus();
    absl::StatusOr<std::string> digest = StateDigest(options_.train_program, saved.directory());
    if (!digest.ok()) return digest.status();
    state->digest = *std::move(digest);
    return absl::OkStatus();
  }

  // Learns the whole log again, without a break, and expects the same state.
  absl::Status Compare() {
    std::error_code error;
    fs::copy(data_, replay_, fs::copy_options::recursive, error);
    if (!error) fs::remove_all(replay_ / "checkpoints", error);
    if (error) return absl::InternalError(absl::StrCat("copy of ", data_.string(), ": ", error.message()));
    const absl::StatusOr<uint64_t> rows = CheckLog(replay_, batches_, remembered_);
    if (!rows.ok()) return rows.status();
    if (final_.status.events_accepted() != *rows || final_.status.events_learned() != *rows) {
      return Lost(absl::StrCat("the log holds ", *rows, " rows, the server says that it accepted ",
                               final_.status.events_accepted(), " and learned ", final_.status.events_learned()));
    }
    const std::unique_ptr<ServerProcess> server = StartServer(replay_, "");
    if (absl::Status status = server->WaitUntilServing(kPatience); !status.ok()) return status;
    State uninterrupted;
    if (absl::Status status = Save(*server, replay_, &uninterrupted); !status.ok()) return status;
    if (final_.status.step() != uninterrupted.status.step()) {
      return Lost(absl::StrCat("learned in ", final_.status.step(), " steps, an uninterrupted run in ",
                               uninterrupted.status.step()));
    }
    if (final_.digest != uninterrupted.digest) {
      return Lost(
          absl::StrCat("the state's digest is ", final_.digest, ", an uninterrupted run's is ", uninterrupted.digest));
    }
    if (final_.answers != uninterrupted.answers) return Lost("the scores differ from an uninterrupted run's");
    return absl::OkStatus();
  }

  const CrashRunOptions& options_;
  CrashReport& report_;
  std::mt19937_64 random_;
  const std::string address_;
  const fs::path data_;
  const fs::path replay_;
  std::vector<std::string> faults_;  // To come, from the back.
  uint64_t remembered_ = 0;          // Requests, labelled.
  std::vector<uint64_t> batches_;    // Acknowledged, by producer.
  State final_;
};

}  // namespace

absl::Status RunCrashes(const CrashRunOptions& options, CrashReport* report) {
  const absl::Time start = absl::Now();
  const absl::Status status = CrashRun(options, report).Run();
  report->took = absl::Now() - start;
  return status;
}

}  // namespace polyscene
