#include "client/load/unary_caller.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/lib/channel.h"
#include "client/load/thread_time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/slice.h"

namespace polyscene::load {
namespace {

const std::string& PredictMethod() {
  static const std::string* const method = new std::string("/polyscene.v1.PredictionService/Predict");
  return *method;
}

}  // namespace

absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> Connect(const std::string& server, int connections,
                                                                    absl::Duration timeout) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < connections; ++i) {
    channels.push_back(client::MakeChannel(server));
    channels.back()->GetState(/*try_to_connect=*/true);
  }
  const absl::Time deadline = absl::Now() + timeout;
  for (const std::shared_ptr<grpc::Channel>& channel : channels) {
    if (!channel->WaitForConnected(absl::ToChronoTime(deadline))) {
      return absl::UnavailableError(
          absl::StrCat("server ", server, ": no connection within ", absl::FormatDuration(timeout)));
    }
  }
  return channels;
}

struct UnaryCaller::Call {
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::PredictResponse>> reader;
  v1::PredictResponse response;
  grpc::Status status;
  Done done;
};

UnaryCaller::UnaryCaller(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                         const std::vector<PreparedRequest>& pool) {
  for (const PreparedRequest& request : pool) {
    const grpc::Slice slice(request.bytes);
    requests_.emplace_back(&slice, 1);
  }
  for (const std::shared_ptr<grpc::Channel>& channel : channels) stubs_.push_back(std::make_unique<Stub>(channel));
  receiver_ = std::thread([this] { Receive(); });
}

UnaryCaller::~UnaryCaller() {
  queue_.Shutdown();
  receiver_.join();
}

void UnaryCaller::Start(size_t request, absl::Duration timeout, Done done) {
  auto* const call = new Call;  // Receive() deletes it.
  call->done = std::move(done);
  call->context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  Stub& stub = *stubs_[next_stub_.fetch_add(1, std::memory_order_relaxed) % stubs_.size()];
  call->reader = stub.PrepareUnaryCall(&call->context, PredictMethod(), requests_[request], &queue_);
  {
    std::lock_guard<std::mutex> lock(mu_);
    calls_.insert(call);
  }
  call->reader->StartCall();
  call->reader->Finish(&call->response, &call->status, call);
}

void UnaryCaller::CancelAll() {
  std::lock_guard<std::mutex> lock(mu_);
  for (Call* const call : calls_) call->context.TryCancel();
}

absl::Duration UnaryCaller::ReceiverTime() const { return TimeOfThread(receiver_.native_handle()); }

void UnaryCaller::Receive() {
  void* tag = nullptr;
  bool ok = false;  // Always: Finish() tells errors in the status.
  while (queue_.Next(&tag, &ok)) {
    const std::unique_ptr<Call> call(static_cast<Call*>(tag));
    {
      std::lock_guard<std::mutex> lock(mu_);
      calls_.erase(call.get());
    }
    call->done({client::FromGrpc(call->status), call->response.model().version()});
  }
}

}  // namespace polyscene::load
