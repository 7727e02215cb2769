#include "tests/faults/late_labeller.h"

#include <chrono>
#include <utility>

#include "absl/time/clock.h"
#include "grpcpp/client_context.h"
#include "tests/faults/crash_model.h"
#include "tests/faults/witness.h"

namespace polyscene {
namespace {

constexpr uint64_t kSpendComesLater = 3;  // By so many requests.
constexpr uint64_t kTwiceEvery = 5;

client::EventStreamOptions Options(const std::string& address) {
  client::EventStreamOptions options;
  options.server = address;
  options.producer_id = LateLabeller::Name();
  options.stall_timeout = absl::Seconds(20);
  options.backoff.initial = absl::Milliseconds(20);
  options.backoff.maximum = absl::Milliseconds(150);
  return options;
}

}  // namespace

LateLabeller::LateLabeller(const std::string& address, absl::Duration interval)
    : interval_(interval),
      channel_(ConnectEagerly(address)),
      prediction_(v1::PredictionService::NewStub(channel_)),
      stream_(Options(address)) {
  thread_ = std::thread([this] { Run(); });
}

LateLabeller::~LateLabeller() {
  ending_ = true;
  if (thread_.joinable()) thread_.join();
}

void LateLabeller::Run() {
  for (uint64_t number = 1; sent_.ok() && Remember(number); ++number) {
    requests_ = number;
    sent_ = Tell(number);
    absl::SleepFor(interval_);
  }
}

bool LateLabeller::Remember(uint64_t number) {
  const v1::PredictRequest request = RequestToRemember(number);
  while (!ending_) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
    v1::PredictResponse response;
    if (prediction_->Predict(&context, request, &response).ok() && response.remembered()) return true;
    absl::SleepFor(absl::Milliseconds(10));
  }
  return false;
}

absl::Status LateLabeller::SendLabels(uint64_t number, const std::string& task) {
  const int times = number % kTwiceEvery == 0 ? 2 : 1;
  for (int time = 0; time < times; ++time) {
    if (absl::Status status = stream_.Send(LabelsOf(number, task)).status(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status LateLabeller::Tell(uint64_t number) {
  if (absl::Status status = stream_.Send(ExposuresOf(number)).status(); !status.ok()) return status;
  if (absl::Status status = SendLabels(number, "click"); !status.ok()) return status;
  return number > kSpendComesLater ? SendLabels(number - kSpendComesLater, "spend") : absl::OkStatus();
}

absl::Status LateLabeller::Finish(absl::Duration timeout) {
  ending_ = true;
  if (thread_.joinable()) thread_.join();
  const uint64_t last = requests_;
  for (uint64_t number = last > kSpendComesLater ? last - kSpendComesLater + 1 : 1; number <= last; ++number) {
    if (sent_.ok()) sent_ = SendLabels(number, "spend");
  }
  if (!sent_.ok()) return sent_;
  return stream_.Finish(client::Milestone::kServed, absl::Now() + timeout);
}

}  // namespace polyscene
