#include "client/load/stream_caller.h"

#include <utility>

#include "client/load/thread_time.h"

namespace polyscene::load {

StreamCaller::StreamCaller(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                           const std::vector<PreparedRequest>& pool) {
  for (const PreparedRequest& request : pool) requests_.emplace_back(request.bytes);
  for (const std::shared_ptr<grpc::Channel>& channel : channels) {
    lanes_.push_back(std::make_unique<StreamLane>(channel, &queue_));
  }
  receiver_ = std::thread([this] {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
      const auto& event = *static_cast<const StreamLane::Tag*>(tag);
      event.lane->OnEvent(event, ok);
    }
  });
}

StreamCaller::~StreamCaller() {
  for (const std::unique_ptr<StreamLane>& lane : lanes_) lane->Close();
  queue_.Shutdown();
  receiver_.join();
}

void StreamCaller::Start(size_t request, absl::Duration timeout, Done done) {
  StreamLane& lane = *lanes_[next_lane_.fetch_add(1, std::memory_order_relaxed) % lanes_.size()];
  lane.Start(requests_[request], timeout, std::move(done));
}

void StreamCaller::CancelAll() {
  for (const std::unique_ptr<StreamLane>& lane : lanes_) lane->CancelAll();
}

absl::Duration StreamCaller::ReceiverTime() const { return TimeOfThread(receiver_.native_handle()); }

}  // namespace polyscene::load
