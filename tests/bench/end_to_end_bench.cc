// Requests of 100 candidates from end to end: this server against a plain Python one (baseline/server.py: grpcio and
// PyTorch), the same weights in both, in turn under a closed loop of 16.
//
//   end_to_end_bench [SECONDS [PAIRS]]        of a window, 2; 12 pairs
//
// Learns the reference model for a moment, writes a checkpoint, starts a server with it and exports its weights for the
// Python one. Needs python3-grpcio, python3-torch and protobuf-compiler-grpc.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "polyscene/v1/prediction.grpc.pb.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/machine.h"
#include "tests/bench/support/reference_model.h"
#include "tests/bench/support/server_load.h"
#include "tests/bench/support/started_server.h"
#include "tests/bench/support/table_row.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

constexpr int kCandidates = 100;
constexpr int kInFlight = 16;
constexpr int kRequests = 256;
constexpr char kPython[] = "/usr/bin/python3";
constexpr double kTolerance = 1e-4;  // Of the two servers' fp32 scores.

// A server of this repository's, and the requests a second that it is to reach against the Python one.
struct Served {
  std::string name;
  std::shared_ptr<const ModelSpec> spec;
  Target requests;
};

const Target kBf16Requests = AtLeast(7, "x");

std::vector<Served> ServedModels() {
  std::vector<Served> models = {{"fp32", ReferenceSpec(), AtLeast(4.5, "x")}};
  if (HasInstructions(kBf16Instructions)) models.push_back({"bf16", ReferenceSpec({}, ServeBf16), kBf16Requests});
  return models;
}

bool Succeeds(const std::string& command) { return std::system(("{ " + command + "; } >/dev/null 2>&1").c_str()) == 0; }

// Why there can be no Python server; empty where there can.
std::string PythonLacks() {
  if (!Succeeds(absl::StrCat(kPython, " -c 'import grpc, numpy'"))) return "no python3-grpcio";
  if (!Succeeds(absl::StrCat(kPython, " -c 'import torch'"))) return "no python3-torch";
  if (!Succeeds("command -v protoc && command -v grpc_python_plugin")) return "no protobuf-compiler-grpc";
  return "";
}

// baseline/server.py with the checkpoint's weights.
StartedServer StartPython(const fs::path& directory, const fs::path& checkpoint) {
  const fs::path generated = directory / "python";
  fs::create_directories(generated);
  const std::string weights = (directory / "weights.npz").string();
  const std::string protoc =
      absl::StrCat("protoc -I " POLYSCENE_SOURCES "/proto --python_out=", generated.string(),
                   " --grpc_out=", generated.string(), " --plugin=protoc-gen-grpc=\"$(command -v grpc_python_plugin)\"",
                   " polyscene/v1/features.proto polyscene/v1/prediction.proto");
  if (!Succeeds(protoc) ||
      !Succeeds(absl::StrCat(POLYSCENE_TRAIN_PROGRAM " --checkpoint ", checkpoint.string(), " --export ", weights))) {
    Check(absl::InternalError("the Python server's protos and weights could not be made"));
  }
  setenv("PYTHONPATH", generated.c_str(), 1);
  return StartedServer(directory, kPython, [&](const std::string& address) {
    return std::vector<std::string>{POLYSCENE_SOURCES "/tests/bench/baseline/server.py", weights, address};
  });
}

v1::PredictResponse Predict(const std::string& address, const v1::PredictRequest& request) {
  const auto stub = v1::PredictionService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::PredictResponse response;
  const grpc::Status status = stub->Predict(&context, request, &response);
  Check(status.ok() ? absl::OkStatus() : absl::InternalError(absl::StrCat(address, ": ", status.error_message())));
  return response;
}

// Over some of the requests; infinite where the answers do not have the same shape.
double LargestDifference(const std::string& a, const std::string& b,
                         const std::vector<load::PreparedRequest>& requests) {
  double largest = 0;
  for (size_t i = 0; i < std::min<size_t>(requests.size(), 12); ++i) {
    v1::PredictRequest request;
    request.ParseFromString(requests[i].bytes);
    const v1::PredictResponse of_a = Predict(a, request);
    const v1::PredictResponse of_b = Predict(b, request);
    if (of_a.scores_size() != of_b.scores_size()) return INFINITY;
    for (int t = 0; t < of_a.scores_size(); ++t) {
      if (of_a.scores(t).values_size() != of_b.scores(t).values_size()) return INFINITY;
      for (int r = 0; r < of_a.scores(t).values_size(); ++r) {
        largest = std::max<double>(largest, std::fabs(of_a.scores(t).values(r) - of_b.scores(t).values(r)));
      }
    }
  }
  return largest;
}

void AddColumns(const Table& table, google::protobuf::RepeatedPtrField<v1::Column>& columns) {
  for (const Column& from : table.columns) {
    v1::Column& column = *columns.Add();
    column.set_name(from.name);
    column.mutable_ints()->Add(from.ints.begin(), from.ints.end());
    column.mutable_floats()->Add(from.floats.begin(), from.floats.end());
  }
}

// Of all scenes in turn, with rows like those that were learned, so that scores are not all next to 0 or 1.
std::vector<load::PreparedRequest> Requests(const std::shared_ptr<const ModelSpec>& spec) {
  ReferenceRows rows(spec, 5);
  std::vector<load::PreparedRequest> requests;
  for (int i = 0; i < kRequests; ++i) {
    v1::PredictRequest request;
    request.set_scene(spec->scenes()[i % spec->scenes().size()].name);
    AddColumns(rows.Context(), *request.mutable_context());
    AddColumns(rows.Candidates(kCandidates), *request.mutable_candidates());
    requests.push_back({request.scene(), kCandidates, request.SerializeAsString()});
  }
  return requests;
}

// Windows of one server.
struct Windows {
  std::vector<double> rates;
  std::vector<double> p99_millis;

  void Add(const load::LoadResult& result) {
    rates.push_back(RequestsPerSecond(result));
    p99_millis.push_back(P99Millis(result));
  }
};

void PrintRows(const Served& model, const Windows& own, const Windows& python, double difference) {
  PrintFigure(
      absl::StrFormat("end to end %s, 100 candidates, closed loop of 16: requests a second over Python's", model.name),
      IntervalOf(Ratios(own.rates, python.rates)), model.requests,
      absl::StrFormat("%.0f against %.0f; scores differ by at most %.1e", Median(own.rates), Median(python.rates),
                      difference));
  PrintFigure(absl::StrFormat("end to end %s: p99 over Python's", model.name),
              IntervalOf(Ratios(own.p99_millis, python.p99_millis)), AtMost(0.25, "x"),
              absl::StrFormat("%.2f ms against %.2f ms", Median(own.p99_millis), Median(python.p99_millis)));
}

void PrintSkippedRows(const Served& model, const std::string& reason) {
  PrintSkipped(
      absl::StrFormat("end to end %s, 100 candidates, closed loop of 16: requests a second over Python's", model.name),
      model.requests, reason);
  PrintSkipped(absl::StrFormat("end to end %s: p99 over Python's", model.name), AtMost(0.25, "x"), reason);
}

void Measure(const std::vector<Served>& models, const fs::path& directory, double seconds, int pairs) {
  const fs::path checkpoint = directory / "checkpoint";
  Check(LearnedReference(models[0].spec)->SaveCheckpoint(checkpoint, 0));
  const std::vector<load::PreparedRequest> pool = Requests(models[0].spec);
  std::vector<StartedServer> servers;  // One a model, and Python's.
  std::vector<std::unique_ptr<ServerLoad>> loads;
  for (const Served& model : models) {
    servers.push_back(StartModelServer(directory, model.name, *model.spec, checkpoint));
    loads.push_back(std::make_unique<ServerLoad>(model.name, servers.back().address(), pool));
  }
  servers.push_back(StartPython(directory, checkpoint));
  loads.push_back(std::make_unique<ServerLoad>("Python", servers.back().address(), pool));
  std::vector<double> differences;
  for (size_t m = 0; m < models.size(); ++m) {
    differences.push_back(LargestDifference(servers[m].address(), servers.back().address(), pool));
  }
  if (!(differences[0] <= kTolerance)) {
    std::fprintf(stderr, "the servers disagree by %g: not the same model\n", differences[0]);
    std::exit(1);
  }
  std::vector<Windows> windows(loads.size());
  for (int pair = -1; pair < pairs; ++pair) {
    for (size_t turn = 0; turn < loads.size(); ++turn) {
      const size_t arm = (turn + static_cast<size_t>(pair + 1)) % loads.size();
      const load::LoadResult result = loads[arm]->ClosedLoop(kInFlight, seconds);
      if (pair >= 0) windows[arm].Add(result);  // The first round warms up.
    }
  }
  for (size_t m = 0; m < models.size(); ++m) PrintRows(models[m], windows[m], windows.back(), differences[m]);
}

int Run(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const int pairs = argc > 2 ? std::atoi(argv[2]) : 12;
  PrintMachine();
  const std::vector<Served> models = ServedModels();
  const std::string lacks = PythonLacks();
  if (lacks.empty()) {
    const TempDirectory directory;
    Measure(models, directory.path(), seconds, pairs);
  } else {
    for (const Served& model : models) PrintSkippedRows(model, lacks);
  }
  if (models.size() == 1) PrintSkippedRows({"bf16", nullptr, kBf16Requests}, "the processor has no bf16");
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
