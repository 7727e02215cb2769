// Requests as messages of PredictStreams.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "client/load/caller.h"
#include "client/load/stream_lane.h"
#include "grpcpp/channel.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/support/slice.h"

namespace polyscene::load {

// One stream a connection, in turn. Answers come in on one thread.
class StreamCaller : public Caller {
 public:
  StreamCaller(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const std::vector<PreparedRequest>& pool);
  ~StreamCaller() override;  // After every call is done.

  void Start(size_t request, absl::Duration timeout, Done done) override;
  void CancelAll() override;
  absl::Duration ReceiverTime() const override;

 private:
  std::vector<grpc::Slice> requests_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<StreamLane>> lanes_;
  std::atomic<uint64_t> next_lane_{0};
  mutable std::thread receiver_;  // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene::load
