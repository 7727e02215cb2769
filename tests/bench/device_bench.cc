// The forward of a device: 4,096 rows of the reference model against what the device could do at best, measured in the
// same run, and requests of 500 candidates in an open loop.
//
//   device_bench [--device D] [--seconds S] [--rate R]
//
// D (cuda:0) may be "cpu", to see that all of it works; the rows of the table are then skipped. S (5) is how long
// requests come, R (5000) how many a second.
#include <torch/torch.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/device/device_forward.h"
#include "model/feature/encoder.h"
#include "model/serving/torch_snapshot.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/machine.h"
#include "tests/bench/support/reference_model.h"
#include "tests/bench/support/statistics.h"
#include "tests/bench/support/table_row.h"

namespace polyscene {
namespace {

constexpr int64_t kRows = 4096;
constexpr int64_t kCandidates = 500;
constexpr int kCalls = 50;
constexpr int kCallers = 8;  // Threads that score: more than lanes, as a server's workers may be.

struct Options {
  std::string device = "cuda:0";
  double seconds = 5;
  double rate = 5000;
};

// What a device computes with: of one model, in one arithmetic.
struct Served {
  std::string arithmetic;
  std::shared_ptr<const ModelSpec> spec;
  std::unique_ptr<Learner> learner;
  std::shared_ptr<const Snapshot> snapshot;

  ServedOnDevice on_device() const {
    const auto& of_torch = static_cast<const TorchSnapshot&>(*snapshot);
    return {{of_torch.dense(), &of_torch.parameters(), &of_torch.tables()},
            &of_torch.statistics(),
            &of_torch.calibrations()};
  }
};

Served MakeServed(const std::string& device, bool bfloat16) {
  Served served;
  served.arithmetic = bfloat16 ? "bf16" : "fp32";
  served.spec = bfloat16 ? ReferenceSpec({}, ServeBf16) : ReferenceSpec();
  LearnerOptions options;
  options.device = device;
  served.learner = LearnedReference(served.spec, options);
  served.snapshot = Check(served.learner->MakeSnapshot(1, 0));
  return served;
}

// Seconds of each of some calls, each waited for.
std::vector<double> Time(const DeviceQueue& queue, const std::function<void()>& call) {
  const DeviceQueue::Use use(queue);
  std::vector<double> seconds;
  for (int i = -3; i < kCalls; ++i) {  // The first ones warm up.
    const Stopwatch watch;
    call();
    queue.Wait();
    if (i >= 0) seconds.push_back(watch.seconds());
  }
  return seconds;
}

// What the device does at best.
struct Best {
  double bytes_a_second = 0;
  double operations_a_second = 0;
  double launch_seconds = 0;  // Of one small operation, until it is known to be done.
};

Best MeasureBest(torch::Device device, torch::ScalarType arithmetic) {
  const c10::InferenceMode inference;
  const DeviceQueue queue(device);
  const DeviceQueue::Use use(queue);
  const bool gpu = device.is_cuda();
  const auto options = torch::TensorOptions().device(device).dtype(arithmetic);
  const int64_t width = gpu ? 8192 : 512;
  const torch::Tensor a = torch::randn({width, width}, options);
  torch::Tensor product = torch::empty_like(a);
  torch::Tensor one = torch::zeros({1}, options);
  const torch::Tensor from = torch::zeros({int64_t{gpu ? 1024 : 64} << 20}, options.dtype(torch::kUInt8));
  torch::Tensor to = torch::empty_like(from);
  Best best;
  best.launch_seconds = Median(Time(queue, [&] { one.zero_(); }));
  best.bytes_a_second = 2.0 * static_cast<double>(from.numel()) / Median(Time(queue, [&] { to.copy_(from); }));
  const double operations = 2.0 * static_cast<double>(width) * static_cast<double>(width) * static_cast<double>(width);
  best.operations_a_second = operations / Median(Time(queue, [&] { torch::mm_out(product, a, a); }));
  return best;
}

// Bytes that the forward cannot do without: places, rows, numbers and weights in, logits out.
double LeastBytes(const DevicePlan& plan, int64_t rows) {
  const ModelSpec& spec = plan.spec();
  double of_row = static_cast<double>(spec.dense_width() + plan.outputs(0)) * sizeof(float);
  for (const SlotSpec& slot : spec.slots()) of_row += sizeof(int64_t) + slot.dimension * sizeof(float);
  const double weights = static_cast<double>(plan.network().layout().count());
  return static_cast<double>(rows) * of_row + weights * static_cast<double>(torch::elementSize(plan.arithmetic()));
}

void MeasureForward(const Served& served, torch::Device device) {
  const DevicePlan plan(served.spec, device, {kRows});
  DeviceLane lane(plan);
  const DeviceQueue idle(device);  // The lane waits for its own.
  const auto request = ReferenceRequests(served.spec, 1, kRows);
  EncodedBatch batch;
  FeatureEncoder(served.spec, HashKey())
      .AppendRequest(*served.on_device().statistics, 0, request[0]->context(), request[0]->candidates(), batch);
  const DeviceWeights weights = served.on_device().weights;
  lane.Begin(weights, 0, batch);
  const Stopwatch staging;
  lane.StageNext();
  const double staged = staging.seconds();
  lane.Send();

  const std::vector<double> computed = Time(idle, [&] { lane.Compute(), lane.Wait(); });
  const std::vector<double> copied = Time(idle, [&] { lane.Send(), lane.Compute(), lane.Fetch(), lane.Wait(); });
  const Best best = MeasureBest(device, plan.arithmetic());
  const double of_bytes = LeastBytes(plan, kRows) / best.bytes_a_second;
  const double of_operations = FullOperations(*served.spec, kRows) / best.operations_a_second;
  const double limit = std::max(of_bytes, of_operations) + best.launch_seconds;
  std::printf(
      "%s: looking up %.0f us, forward %.0f us, with both copies (%.0f KB there) %.0f us; limit %.1f us: bytes %.1f us "
      "(%.0f GB/s), operations %.1f us (%.2f TFLOP/s), a launch %.1f us\n",
      served.arithmetic.c_str(), 1e6 * staged, 1e6 * Median(computed), 1e-3 * lane.bytes_sent(), 1e6 * Median(copied),
      1e6 * limit, 1e6 * of_bytes, 1e-9 * best.bytes_a_second, 1e6 * of_operations, 1e-12 * best.operations_a_second,
      1e6 * best.launch_seconds);
  std::vector<double> over_limit;
  for (const double seconds : computed) over_limit.push_back(seconds / limit);
  const std::string what = absl::StrCat("GPU: forward of 4,096 rows over its limit, ", served.arithmetic);
  const Target target = AtMost(2, "x");
  if (device.is_cuda()) {
    PrintFigure(what, IntervalOf(over_limit), target, absl::StrFormat("%.0f us", 1e6 * Median(computed)));
  } else {
    PrintSkipped(what, target, "no GPU");
  }
}

// Requests that are due at even intervals, whether those before are answered or not; seconds from due to answered.
std::vector<double> OpenLoop(DeviceForward& forward, const Served& served, const Options& options) {
  const auto requests = ReferenceRequests(served.spec, 64, kCandidates);
  const auto count = static_cast<int64_t>(options.seconds * options.rate);
  std::vector<double> seconds(count);
  std::atomic<int64_t> next{0};
  const auto start = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  const auto call = [&] {
    at::set_num_threads(1);
    ScoreResult result;
    for (int64_t i = next++; i < count; i = next++) {
      const auto due = start + std::chrono::duration<double>(static_cast<double>(i) / options.rate);
      while (std::chrono::steady_clock::now() < due) std::this_thread::yield();  // Sleeping would wake up too late.
      forward.Score(served.on_device(), absl::MakeConstSpan(&requests[i % requests.size()]->request(), 1),
                    absl::MakeSpan(&result, 1));
      seconds[i] = std::chrono::duration<double>(std::chrono::steady_clock::now() - due).count();
    }
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) callers.emplace_back(call);
  for (std::thread& caller : callers) caller.join();
  return seconds;
}

void MeasureRequests(const Served& served, torch::Device device, const Options& options) {
  const auto forward = Check(DeviceForward::Create(served.spec, HashKey(), device));
  Options warm_up = options;
  warm_up.seconds = std::min(1.0, options.seconds);
  OpenLoop(*forward, served, warm_up);
  const std::vector<double> seconds = OpenLoop(*forward, served, options);
  std::printf("%s: %zu requests of %lld candidates at %.0f a second: p50 %.3f ms, p99 %.3f ms, p99.9 %.3f ms\n",
              forward->Describe().c_str(), seconds.size(), static_cast<long long>(kCandidates), options.rate,
              1e3 * Percentile(seconds, 0.5), 1e3 * Percentile(seconds, 0.99), 1e3 * Percentile(seconds, 0.999));
  const std::string what = "GPU: p99 of 500 candidates at 5,000 requests a second";
  const Target target = AtMost(1, " ms");
  if (device.is_cuda() && options.rate == 5000) {
    PrintFigure(what, 1e3 * Percentile(seconds, 0.99), target);
  } else {
    PrintSkipped(what, target, device.is_cuda() ? "at another rate" : "no GPU");
  }
}

Options Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--device") options.device = argv[i + 1];
    if (flag == "--seconds") options.seconds = std::atof(argv[i + 1]);
    if (flag == "--rate") options.rate = std::atof(argv[i + 1]);
  }
  return options;
}

int Run(int argc, char** argv) {
  const Options options = Parse(argc, argv);
  const torch::Device device(Check(ResolveDevice(options.device)));
  PrintMachine();
  std::printf("%s, on %s\n", DescribeBackend().c_str(), device.str().c_str());
  for (const bool bfloat16 : {false, true}) {
    const Served served = MakeServed(device.str(), bfloat16);
    MeasureForward(served, device);
    if (!bfloat16) MeasureRequests(served, device, options);
  }
  return 0;
}

}  // namespace
}  // namespace polyscene

int main(int argc, char** argv) { return polyscene::Run(argc, argv); }
