// How many events a second a server acknowledges through gRPC, durably and in batches of 100, while learning is paused;
// and how long an acknowledgement takes beside what the disk's own fdatasync costs in the same run. Server and
// producers share this process and machine; the model is a fake, which learning that is paused does not notice.
// First at a set rate, where an acknowledgement counts from when its batch was due, whether or not it could be sent
// then; then as fast as the server takes them.
// Limits: the configured sync interval and three times the p99 of the disk's own fdatasync, taken while the disk does
// nothing else, and again every 50 ms beside the load.
//
//   ingest_bench DIRECTORY [BATCHES] [PRODUCERS] [RATE]
//
// DIRECTORY: an empty one on the disk to measure; 6000 batches, 2 producers, 60000 events a second.
#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/model_service.grpc.pb.h"
#include "polyscene/v1/training.grpc.pb.h"
#include "server/server.h"
#include "server/sync/mutex.h"
#include "tests/support/fake_learner.h"
#include "tests/support/fake_predictor.h"

namespace polyscene {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kRows = 100;
constexpr int kIds = 20;
constexpr int kNumbers = 10;
constexpr int kUnbounded = 1 << 30;  // Batches in flight.
constexpr const char* kTasks[] = {"click", "purchase", "spend"};

double Millis(SteadyClock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

double At(std::vector<double> millis, double share) {
  if (millis.empty()) return 0;
  std::sort(millis.begin(), millis.end());
  return millis[static_cast<size_t>(share * static_cast<double>(millis.size() - 1))];
}

// Like the reference model's: 20 ids and 10 numbers a row, 3 labels.
std::string ModelText() {
  std::string text = "name: \"ingest\"\n";
  std::string names;
  for (int c = 0; c < kIds; ++c) {
    const std::string name = c == 0 ? "item" : absl::StrCat("id_", c);
    absl::StrAppend(&text, "features { name: \"", name,
                    "\" side: CANDIDATE type: INT64 encode { hash { embedding { dimension: 4 } } } }\n");
    absl::StrAppend(&names, " features: \"", name, "\"");
  }
  for (int c = 0; c < kNumbers; ++c) {
    absl::StrAppend(&text, "features { name: \"number_", c, "\" side: CANDIDATE type: FLOAT encode { numeric {} } }\n");
    absl::StrAppend(&names, " features: \"number_", c, "\"");
  }
  absl::StrAppend(&text, "scenes { name: \"shop\"", names);
  for (const char* task : kTasks) absl::StrAppend(&text, " tasks: \"", task, "\"");
  absl::StrAppend(&text, " }\ntasks { name: \"click\" binary {} }\ntasks { name: \"purchase\" binary {} }\n",
                  "tasks { name: \"spend\" regression {} }\nnetwork { shared_bottom { hidden: 4 } }\n");
  return text;
}

v1::EventBatch Batch(uint64_t sequence) {
  std::mt19937_64 random(sequence);
  std::uniform_real_distribution<float> uniform;
  v1::EventBatch batch;
  batch.set_sequence(sequence);
  batch.set_scene("shop");
  batch.set_rows(kRows);
  for (int c = 0; c < kIds; ++c) {
    v1::Column& column = *batch.add_columns();
    column.set_name(c == 0 ? "item" : absl::StrCat("id_", c));
    for (int row = 0; row < kRows; ++row) column.add_ints(static_cast<int64_t>(random() % 100'000));
  }
  for (int c = 0; c < kNumbers; ++c) {
    v1::Column& column = *batch.add_columns();
    column.set_name(absl::StrCat("number_", c));
    for (int row = 0; row < kRows; ++row) column.add_floats(uniform(random));
  }
  for (const char* task : kTasks) {
    v1::Labels& labels = *batch.add_labels();
    labels.set_task(task);
    for (int row = 0; row < kRows; ++row) labels.add_values(static_cast<float>(random() % 2));
  }
  return batch;
}

// A plain file, again and again until told to end: append as many bytes as a record has, fdatasync, and pause.
void Fdatasync(const std::filesystem::path& path, size_t bytes, SteadyClock::duration pause,
               const std::function<bool()>& more, std::vector<double>* millis) {
  const std::string data(bytes, 'x');
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  while (more()) {
    const SteadyClock::time_point start = SteadyClock::now();
    if (file < 0 || ::write(file, data.data(), data.size()) < 0 || ::fdatasync(file) != 0) {
      std::perror(path.c_str());
      std::exit(1);
    }
    millis->push_back(Millis(SteadyClock::now() - start));
    std::this_thread::sleep_for(pause);
  }
  ::close(file);
  std::filesystem::remove(path);
}

// How batches are sent: at most `window` unacknowledged, and one every `interval` or, if that is zero, at once.
struct Pace {
  int window;
  SteadyClock::duration interval;
};

// One stream; the milliseconds that each acknowledgement took.
std::vector<double> Produce(v1::TrainingService::Stub& stub, const std::string& producer,
                            const std::vector<v1::StreamEventsRequest>& requests, Pace pace) {
  grpc::ClientContext context;
  auto stream = stub.StreamEvents(&context);
  v1::StreamEventsRequest open;
  open.mutable_open()->set_producer_id(producer);
  stream->Write(open);
  Mutex mu;
  CondVar changed;
  size_t acknowledged = 0;
  std::vector<SteadyClock::time_point> sent(requests.size());
  std::vector<double> millis;
  std::thread reader([&] {
    v1::StreamEventsResponse response;
    while (acknowledged < requests.size() && stream->Read(&response)) {
      if (response.accepted_sequence() == 0) continue;
      if (response.accepted_rows() != kRows) {
        std::fprintf(stderr, "%d rows were refused\n", static_cast<int>(kRows - response.accepted_rows()));
        std::exit(1);
      }
      const SteadyClock::time_point now = SteadyClock::now();
      MutexLock lock(&mu);
      millis.push_back(Millis(now - sent[acknowledged]));
      ++acknowledged;
      changed.Signal();
    }
  });
  const SteadyClock::time_point start = SteadyClock::now();
  for (size_t i = 0; i < requests.size(); ++i) {
    const SteadyClock::time_point due = start + pace.interval * i;
    if (pace.interval.count() > 0) std::this_thread::sleep_until(due);
    {
      MutexLock lock(&mu);
      while (i >= acknowledged + static_cast<size_t>(pace.window)) changed.Wait(&mu);
      sent[i] = pace.interval.count() > 0 ? due : SteadyClock::now();
    }
    stream->Write(requests[i]);
  }
  reader.join();
  stream->WritesDone();
  v1::StreamEventsResponse rest;
  while (stream->Read(&rest)) {
  }
  if (const grpc::Status status = stream->Finish(); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.error_message().c_str());
    std::exit(1);
  }
  return millis;
}

// All producers at that pace, the disk alone before and after them, and the disk beside them; prints a line.
void Measure(v1::TrainingService::Stub& training, const std::filesystem::path& directory, int producers, int batches,
             Pace pace, double sync_interval, uint64_t* next) {
  std::vector<std::vector<v1::StreamEventsRequest>> requests(producers);
  for (std::vector<v1::StreamEventsRequest>& own : requests) {
    for (int b = 0; b < batches / producers; ++b) *own.emplace_back().mutable_batch() = Batch(*next + b);
  }
  *next += batches / producers;
  const size_t bytes = requests[0][0].ByteSizeLong();
  std::vector<double> alone;
  const auto time_disk = [&] {
    Fdatasync(
        directory / "plain", bytes, {}, [&, end = alone.size() + 500] { return alone.size() < end; }, &alone);
  };
  time_disk();
  std::atomic<bool> done{false};
  std::vector<double> beside;
  std::thread sampler([&] {
    Fdatasync(
        directory / "plain", bytes, std::chrono::milliseconds(50), [&] { return !done; }, &beside);
  });
  std::vector<std::vector<double>> millis(producers);
  std::vector<std::thread> threads;
  const SteadyClock::time_point start = SteadyClock::now();
  for (int p = 0; p < producers; ++p) {
    threads.emplace_back([&, p] { millis[p] = Produce(training, absl::StrCat("p", p), requests[p], pace); });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = Millis(SteadyClock::now() - start) / 1000;
  done = true;
  sampler.join();
  time_disk();
  std::vector<double> all;
  for (const std::vector<double>& own : millis) all.insert(all.end(), own.begin(), own.end());
  const auto print_disk = [&](const char* when, const std::vector<double>& disk) {
    std::printf("; fdatasync %s p50 %.2f, p99 %.2f ms: limit %.2f ms", when, At(disk, 0.5), At(disk, 0.99),
                sync_interval + 3 * At(disk, 0.99));
  };
  std::printf("%.0f events/s; acknowledgement p50 %.2f, p99 %.2f ms", static_cast<double>(all.size()) * kRows / seconds,
              At(all, 0.5), At(all, 0.99));
  print_disk("alone", alone);
  print_disk("beside", beside);
  std::printf("\n");
  std::fflush(stdout);
}

int Run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: ingest_bench DIRECTORY [BATCHES] [PRODUCERS] [RATE]\n");
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  const int batches = argc > 2 ? std::atoi(argv[2]) : 6000;
  const int producers = argc > 3 ? std::atoi(argv[3]) : 2;
  if (std::filesystem::exists(directory / "data")) {
    std::fprintf(stderr, "ingest_bench: %s has data of another run\n", directory.c_str());
    return 2;
  }
  const double rate = argc > 4 ? std::atof(argv[4]) : 60'000;

  const absl::StatusOr<std::shared_ptr<const ModelSpec>> spec = ModelSpec::Parse(ModelText(), "ingest.textproto");
  const absl::StatusOr<v1::ServerConfig> config =
      ParseServerConfig("listen: '127.0.0.1:0' metrics_listen: '127.0.0.1:0'", "server.textproto");
  if (!spec.ok() || !config.ok()) return 1;
  ServerSettings settings;
  settings.model = *spec;
  settings.config = *config;
  settings.data_dir = (directory / "data").string();
  FakeLearnerScript script;
  ServerModel model;
  model.device = "cpu";
  model.learner = FakeLearnerFunctions(script);
  model.predictor = [&spec]() -> absl::StatusOr<std::unique_ptr<Predictor>> {
    return std::make_unique<FakePredictor>(*spec);
  };
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(settings, std::move(model));
  absl::Status status = server.status();
  if (status.ok()) status = (*server)->Serve();
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  const std::shared_ptr<grpc::Channel> channel =
      grpc::CreateChannel((*server)->address(), grpc::InsecureChannelCredentials());
  v1::TrainingService::Stub training(channel);
  {
    v1::ModelService::Stub control(channel);
    grpc::ClientContext context;
    v1::PauseLearningResponse paused;
    if (!control.PauseLearning(&context, {}, &paused).ok()) return 1;
  }

  const double sync_interval = settings.config.log_sync_interval_ms();
  std::printf("%d producers, batches of %d rows, %zu bytes; log_sync_interval_ms %.1f\n", producers, kRows,
              Batch(1).ByteSizeLong(), sync_interval);
  uint64_t next = 1;
  const std::chrono::duration<double> interval(kRows * producers / rate);
  std::printf("at %.0f events/s: ", rate);
  Measure(training, directory, producers, batches,
          {kUnbounded, std::chrono::duration_cast<SteadyClock::duration>(interval)}, sync_interval, &next);
  for (const int window : {1, 4, 16, 64}) {
    std::printf("%2d in flight each: ", window);
    Measure(training, directory, producers, batches, {window, SteadyClock::duration::zero()}, sync_interval, &next);
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
