// Requests as Predict calls.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/load/caller.h"
#include "grpcpp/channel.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "polyscene/v1/prediction.grpc.pb.h"

namespace polyscene::load {

// Connections of their own to `server`, ready for use. kUnavailable: one of them was not there within `timeout`.
absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> Connect(const std::string& server, int connections,
                                                                    absl::Duration timeout);

// A call a request, over all connections in turn. Its requests are serialized already: a call costs a reference to the
// bytes. Answers come in on one thread.
class UnaryCaller : public Caller {
 public:
  UnaryCaller(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const std::vector<PreparedRequest>& pool);
  ~UnaryCaller() override;  // After every call is done.

  void Start(size_t request, absl::Duration timeout, Done done) override;
  void CancelAll() override;
  absl::Duration ReceiverTime() const override;

 private:
  using Stub = grpc::TemplatedGenericStub<grpc::ByteBuffer, v1::PredictResponse>;
  struct Call;

  void Receive();  // Body of receiver_.

  std::vector<grpc::ByteBuffer> requests_;
  std::vector<std::unique_ptr<Stub>> stubs_;
  std::atomic<uint64_t> next_stub_{0};
  grpc::CompletionQueue queue_;

  std::mutex mu_;
  std::set<Call*> calls_;  // Not done. Guarded by mu_.

  mutable std::thread receiver_;  // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene::load
