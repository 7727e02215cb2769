// A caller whose requests are remembered, and who sends their labels later.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/lib/event_stream.h"
#include "grpcpp/channel.h"
#include "polyscene/v1/prediction.grpc.pb.h"

namespace polyscene {

// Predicts request 1, 2, .. until each is remembered durably; tells what was shown of it; sends its clicks at once and
// its spends some requests later, and some of either twice.
class LateLabeller {
 public:
  LateLabeller(const std::string& address, absl::Duration interval);
  ~LateLabeller();

  static const char* Name() { return "late-labels"; }

  // Begins no further request, sends the labels that are due, and waits until everything is in the served weights.
  absl::Status Finish(absl::Duration timeout);

  uint64_t requests() const { return requests_; }  // After Finish(): remembered and labelled.
  int64_t refused() { return static_cast<int64_t>(stream_.TakeRejected().size()); }

 private:
  void Run();
  bool Remember(uint64_t number);  // False: it is ending.
  absl::Status Tell(uint64_t number);
  absl::Status SendLabels(uint64_t number, const std::string& task);

  const absl::Duration interval_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::PredictionService::Stub> prediction_;
  client::EventStream stream_;
  std::atomic<bool> ending_{false};
  std::atomic<uint64_t> requests_{0};
  absl::Status sent_;  // thread_'s until it is joined.
  std::thread thread_;
};

}  // namespace polyscene
