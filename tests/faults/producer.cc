#include "tests/faults/producer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/faults/crash_model.h"

namespace polyscene {
namespace {

client::EventStreamOptions Options(const std::string& address, int number) {
  client::EventStreamOptions options;
  options.server = address;
  options.producer_id = Producer::Name(number);
  if (number == 0) options.evaluate_from_micros = 0;  // Evaluations are part of the state that must come back.
  options.window_batches = 16;
  options.stall_timeout = absl::Seconds(20);
  options.backoff.initial = absl::Milliseconds(20);
  options.backoff.maximum = absl::Milliseconds(150);
  return options;
}

}  // namespace

std::string Producer::Name(int number) { return absl::StrCat("producer-", number); }

Producer::Producer(const std::string& address, int number, absl::Duration batch_interval)
    : number_(number), batch_interval_(batch_interval), stream_(Options(address, number)) {
  thread_ = std::thread([this] { Run(); });
}

Producer::~Producer() {
  ending_ = true;
  if (thread_.joinable()) thread_.join();
}

void Producer::Run() {
  while (!ending_) {
    v1::EventBatch batch = CrashBatch(number_, batches_ + 1);
    const int64_t good = GoodRows(batch);
    const absl::StatusOr<uint64_t> sequence = stream_.Send(std::move(batch));
    if (!sequence.ok()) {
      sent_ = sequence.status();
      return;
    }
    batches_ = *sequence;
    good_rows_ += good;
    absl::SleepFor(batch_interval_);
  }
}

absl::Status Producer::Finish(absl::Duration timeout) {
  ending_ = true;
  if (thread_.joinable()) thread_.join();
  if (!sent_.ok()) return sent_;
  return stream_.Finish(client::Milestone::kServed, absl::Now() + timeout);
}

}  // namespace polyscene
