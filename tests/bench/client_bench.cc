// The CPU that client::Client adds to a Predict call, over the same call of a bare gRPC stub. The server is a process
// of its own that answers without a model, so that this one's CPU is the caller's alone, gRPC's threads included.
//
//   client_bench [CALLS]      a round and arm; default 1000
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/lib/channel.h"
#include "client/lib/client.h"
#include "grpcpp/client_context.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "polyscene/v1/prediction.grpc.pb.h"

namespace polyscene {
namespace {

constexpr int kRounds = 31;
constexpr int kCandidates = 100;
constexpr int kBareStub = 0, kClient = 1;

// Like the reference model's: 8 ids and 4 numbers of context, 12 ids and 6 numbers a candidate.
v1::PredictRequest Request() {
  v1::PredictRequest request;
  request.set_scene("recommendation");
  const auto add = [](auto* columns, const char* side, int ids, int numbers, int rows) {
    for (int c = 0; c < ids + numbers; ++c) {
      v1::Column& column = *columns->Add();
      column.set_name(absl::StrCat(side, "_", c));
      for (int row = 0; row < rows; ++row) {
        c < ids ? column.add_ints(1000 * c + row) : column.add_floats(0.5f * static_cast<float>(row));
      }
    }
  };
  add(request.mutable_context(), "context", 8, 4, 1);
  add(request.mutable_candidates(), "candidate", 12, 6, kCandidates);
  return request;
}

class Answerer final : public v1::PredictionService::Service {
  grpc::Status Predict(grpc::ServerContext*, const v1::PredictRequest*, v1::PredictResponse* response) override {
    for (const char* task : {"click", "purchase", "spend"}) {
      v1::TaskScores& scores = *response->add_scores();
      scores.set_task(task);
      scores.set_outputs(1);
      scores.mutable_values()->Resize(kCandidates, 0.5f);
    }
    response->mutable_ranking()->Resize(kCandidates, 0.25f);
    return grpc::Status::OK;
  }
};

// Answers until `stop` is closed at its other end.
void Serve(int port_to, int stop) {
  Answerer service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || write(port_to, &port, sizeof port) != sizeof port) std::exit(1);
  char byte;
  while (read(stop, &byte, 1) > 0) {
  }
  server->Shutdown();
}

double CpuMicros() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e6 * static_cast<double>(now.tv_sec) + 1e-3 * static_cast<double>(now.tv_nsec);
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void Check(bool answered) {
  if (answered) return;
  std::fprintf(stderr, "client_bench: a call failed\n");
  std::exit(1);
}

int Measure(const std::string& server, int calls) {
  const v1::PredictRequest request = Request();
  client::ClientOptions options;
  options.server = server;
  client::Client client(options);
  v1::PredictionService::Stub stub(client::MakeChannel(server));

  const std::function<void()> arms[] = {
      [&] {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
        v1::PredictResponse response;
        Check(stub.Predict(&context, request, &response).ok() && response.ranking_size() == kCandidates);
      },
      [&] {
        const absl::StatusOr<v1::PredictResponse> response = client.Predict(request);
        Check(response.ok() && response->ranking_size() == kCandidates);
      }};
  std::vector<double> micros[2], added;
  for (int round = 0; round <= kRounds; ++round) {
    double arm_micros[2];
    for (const int arm : round % 2 == 0 ? std::vector<int>{0, 1} : std::vector<int>{1, 0}) {
      const double before = CpuMicros();
      for (int call = 0; call < calls; ++call) arms[arm]();
      arm_micros[arm] = (CpuMicros() - before) / calls;
    }
    if (round == 0) continue;  // Connects and warms up.
    for (const int arm : {kBareStub, kClient}) micros[arm].push_back(arm_micros[arm]);
    added.push_back(arm_micros[kClient] - arm_micros[kBareStub]);
  }
  std::printf("CPU a request of %d candidates, one in flight, median of %d rounds of %d calls:\n", kCandidates, kRounds,
              calls);
  std::printf(
      "  bare stub  %7.1f us\n  Client     %7.1f us\n  added      %7.1f us (median of the rounds' differences)\n",
      Median(micros[kBareStub]), Median(micros[kClient]), Median(added));
  return 0;
}

int Main(int argc, char** argv) {
  const int calls = argc > 1 ? std::atoi(argv[1]) : 1000;
  int port_pipe[2], stop_pipe[2];
  if (calls < 1 || argc > 2 || pipe(port_pipe) != 0 || pipe(stop_pipe) != 0) {
    std::fprintf(stderr, "usage: client_bench [CALLS]\n");
    return 2;
  }
  const pid_t server = fork();  // Before gRPC starts its threads.
  if (server == 0) {
    close(stop_pipe[1]);
    Serve(port_pipe[1], stop_pipe[0]);
    std::exit(0);
  }
  close(port_pipe[1]);
  int port = 0;
  if (read(port_pipe[0], &port, sizeof port) != sizeof port) return 1;
  const int result = Measure(absl::StrCat("127.0.0.1:", port), calls);
  close(stop_pipe[1]);
  waitpid(server, nullptr, 0);
  return result;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Main(argc, argv); }
