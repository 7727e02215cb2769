// The processor time that a server spends on a Predict of one candidate outside the forward, over what an echo server
// spends that takes and gives the same messages through gRPC's callback API.
//
//   rpc_bench [SECONDS [PAIRS]]        of a window, 2; 12 pairs
//
// Three processes: the server, made of the real parts with the reference model; the echo; and this one, which sends, 16
// in flight. The server's predictor is the real one in a shell that adds up the processor time of its calls, encoding
// included; that is taken off.
#include <grpcpp/grpcpp.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/learning/learner.h"
#include "model/serving/predictor.h"
#include "polyscene/v1/prediction.grpc.pb.h"
#include "server/config/settings.h"
#include "server/server.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/child_server.h"
#include "tests/bench/support/machine.h"
#include "tests/bench/support/server_load.h"
#include "tests/bench/support/table_row.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

constexpr char kModel[] = POLYSCENE_BENCH_MODELS "/reference.textproto";
constexpr char kScene[] = "recommendation";
constexpr int kInFlight = 16;

// Shared with the server's process.
struct ForwardTime {
  std::atomic<int64_t> nanoseconds{0};
};
static_assert(std::atomic<int64_t>::is_always_lock_free);

class TimedPredictor : public Predictor {
 public:
  TimedPredictor(std::unique_ptr<Predictor> predictor, ForwardTime& time)
      : predictor_(std::move(predictor)), time_(time) {}

  absl::Status ScoreInto(const Snapshot& snapshot, absl::Span<const ScoreRequest> requests,
                         absl::Span<ScoreResult> results) override {
    const double before = CpuSecondsOfThread();
    absl::Status status = predictor_->ScoreInto(snapshot, requests, results);
    time_.nanoseconds += static_cast<int64_t>(1e9 * (CpuSecondsOfThread() - before));
    return status;
  }

 private:
  const std::unique_ptr<Predictor> predictor_;
  ForwardTime& time_;
};

void ServeModel(const ChildServer::Life& life, const fs::path& directory, ForwardTime& time) {
  const std::string data = (directory / "data").string();
  const char* const arguments[] = {"rpc_bench",   "--model",  kModel, "--data_dir",       data.c_str(), "--listen",
                                   "127.0.0.1:0", "--device", "cpu",  "--metrics_listen", "127.0.0.1:0"};
  const ServerSettings settings = Check(ReadSettings(std::size(arguments), arguments));
  ServerModel model;
  model.device = "cpu";
  model.learner.create = [&] { return CreateLearner(settings.model, LearnerOptions()); };
  model.learner.load = [&](const fs::path& checkpoint) {
    return LoadLearner(settings.model, LearnerOptions(), checkpoint);
  };
  model.predictor = [&]() -> absl::StatusOr<std::unique_ptr<Predictor>> {
    return std::make_unique<TimedPredictor>(Check(CreatePredictor(settings.model, HashKey(), "cpu")), time);
  };
  const std::unique_ptr<Server> server = Check(Server::Start(settings, std::move(model)));
  Check(server->Serve());
  life.Serving(std::atoi(server->address().substr(server->address().rfind(':') + 1).c_str()));
  life.WaitForStop();
  server->Stop();
}

// Answers as the model would: three tasks' scores and a ranking of one candidate.
class Echo final : public v1::PredictionService::CallbackService {
  grpc::ServerUnaryReactor* Predict(grpc::CallbackServerContext* context, const v1::PredictRequest* request,
                                    v1::PredictResponse* response) override {
    response->set_request_id(request->request_id());
    v1::ModelState& state = *response->mutable_model();
    state.set_version(1);
    state.set_weight_age_seconds(1.5);
    for (const char* task : {"recommendation_click", "recommendation_cart", "recommendation_purchase"}) {
      v1::TaskScores& scores = *response->add_scores();
      scores.set_task(task);
      scores.set_outputs(1);
      scores.add_values(0.5f);
    }
    response->add_ranking(0.5f);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

void ServeEcho(const ChildServer::Life& life) {
  Echo echo;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&echo);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return;
  life.Serving(port);
  life.WaitForStop();
  server->Shutdown();
}

// Microseconds of the server's processor a request, in one window.
struct Window {
  double all = 0;
  double forward = 0;
};

Window Measure(ServerLoad& load, pid_t server, const ForwardTime& time, double seconds) {
  const double cpu = CpuSecondsOf(server);
  const int64_t forward = time.nanoseconds;
  const auto requests = static_cast<double>(load.ClosedLoop(kInFlight, seconds).measured.answered);
  return {1e6 * (CpuSecondsOf(server) - cpu) / requests,
          1e-3 * static_cast<double>(time.nanoseconds - forward) / requests};
}

int Run(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const int pairs = argc > 2 ? std::atoi(argv[2]) : 12;
  void* shared = mmap(nullptr, sizeof(ForwardTime), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 1;
  auto& time = *new (shared) ForwardTime;
  PrintMachine();
  const TempDirectory directory;  // Outlives the server that writes there.
  ChildServer echo(ServeEcho);
  ChildServer server([&](const ChildServer::Life& life) { ServeModel(life, directory.path(), time); });
  load::PoolOptions pool_options;
  pool_options.scenes = {kScene};
  pool_options.candidates = 1;
  const auto pool = Check(load::RandomRequests(ReadModelFile(kModel), pool_options, 100'000));
  ServerLoad on_echo("echo", echo.address(), pool);
  ServerLoad on_server("server", server.address(), pool);
  std::vector<double> of_echo, of_server, forward;
  for (int pair = -1; pair < pairs; ++pair) {
    Window e, s;
    for (int turn = 0; turn < 2; ++turn) {
      if ((turn == 0) == (pair % 2 == 0)) {
        e = Measure(on_echo, echo.process(), time, seconds);
      } else {
        s = Measure(on_server, server.process(), time, seconds);
      }
    }
    if (pair < 0) continue;  // Warms up.
    of_echo.push_back(e.all);
    of_server.push_back(s.all - s.forward);
    forward.push_back(s.forward);
  }
  PrintFigure("server CPU of a one-candidate Predict outside the forward, over an echo",
              IntervalOf(Ratios(of_server, of_echo)), AtMost(1.35, "x"),
              absl::StrFormat("%.1f us against %.1f us; the forward takes %.1f us", Median(of_server), Median(of_echo),
                              Median(forward)));
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
