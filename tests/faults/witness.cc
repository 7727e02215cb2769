#include "tests/faults/witness.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "tests/faults/crash_model.h"

namespace polyscene {
namespace {

constexpr size_t kMaxContradictions = 20;
constexpr absl::Duration kInterval = absl::Milliseconds(15);

void SetDeadline(grpc::ClientContext* context, std::chrono::milliseconds in) {
  context->set_deadline(std::chrono::system_clock::now() + in);
}

std::string ScoreBytes(const v1::PredictResponse& response) {
  std::string bytes;
  for (const v1::TaskScores& scores : response.scores()) absl::StrAppend(&bytes, scores.SerializeAsString());
  return bytes;
}

}  // namespace

std::shared_ptr<grpc::Channel> ConnectEagerly(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

Witness::Witness(const std::string& address, std::vector<std::string> producers)
    : producers_(std::move(producers)),
      channel_(ConnectEagerly(address)),
      prediction_(v1::PredictionService::NewStub(channel_)),
      model_(v1::ModelService::NewStub(channel_)),
      training_(v1::TrainingService::NewStub(channel_)) {
  thread_ = std::thread([this] { Run(); });
}

Witness::~Witness() { End(); }

void Witness::End() {
  {
    MutexLock lock(&mu_);
    ending_ = true;
  }
  changed_.SignalAll();
  if (thread_.joinable()) thread_.join();
}

bool Witness::ended() const {
  MutexLock lock(&mu_);
  return ending_;
}

std::vector<std::string> Witness::contradictions() const {
  MutexLock lock(&mu_);
  return contradictions_;
}

int64_t Witness::answers() const {
  MutexLock lock(&mu_);
  return answers_;
}

void Witness::Note(std::string what) {
  if (contradictions_.size() < kMaxContradictions) contradictions_.push_back(std::move(what));
}

void Witness::Run() {
  while (!ended()) {
    AskPredict();
    AskStatus();
    AskWatermarks();
    MutexLock lock(&mu_);
    if (!ending_) changed_.WaitWithTimeout(&mu_, kInterval);
  }
}

void Witness::AskPredict() {
  static const v1::PredictRequest& request = *new v1::PredictRequest(CrashRequests().front());
  grpc::ClientContext context;
  SetDeadline(&context, std::chrono::milliseconds(500));
  v1::PredictResponse response;
  if (!prediction_->Predict(&context, request, &response).ok()) return;
  const std::string bytes = ScoreBytes(response);
  MutexLock lock(&mu_);
  ++answers_;
  const auto [known, added] = scores_.emplace(response.model().version(), bytes);
  if (!added && known->second != bytes) {
    Note(absl::StrCat("version ", response.model().version(), " gave two different answers"));
  }
}

void Witness::AskStatus() {
  grpc::ClientContext context;
  SetDeadline(&context, std::chrono::milliseconds(500));
  v1::GetStatusResponse status;
  if (!model_->GetStatus(&context, {}, &status).ok() || !status.serving()) return;
  MutexLock lock(&mu_);
  ++answers_;
  const std::string told =
      absl::StrCat("log end ", status.log_end_offset(), ", learned ", status.learned_offset(), ", served ",
                   status.served_offset(), ", checkpoint ", status.checkpoint_offset(), ", accepted ",
                   status.events_accepted(), ", events learned ", status.events_learned());
  // The positions are read one after the other, the learner's first.
  if (status.learned_offset() > status.log_end_offset() || status.served_offset() > status.learned_offset() ||
      status.checkpoint_offset() > status.learned_offset()) {
    Note(absl::StrCat("positions run ahead: ", told));
  }
  if (status.log_end_offset() < log_end_) Note(absl::StrCat("the log became shorter than ", log_end_, ": ", told));
  if (!status.trainer_error().empty()) Note(absl::StrCat("the trainer stands still: ", status.trainer_error()));
  log_end_ = std::max<uint64_t>(log_end_, status.log_end_offset());
}

void Witness::AskWatermarks() {
  for (const std::string& producer : producers_) {
    grpc::ClientContext context;
    SetDeadline(&context, std::chrono::milliseconds(500));
    v1::GetWatermarkRequest request;
    request.set_producer_id(producer);
    v1::Watermark watermark;
    if (!training_->GetWatermark(&context, request, &watermark).ok()) return;
    MutexLock lock(&mu_);
    ++answers_;
    uint64_t& logged = logged_[producer];
    const std::string told = absl::StrCat("producer ", producer, ": logged ", watermark.logged(), ", learned ",
                                          watermark.learned(), ", served ", watermark.served());
    if (watermark.learned() > watermark.logged() || watermark.served() > watermark.learned()) {
      Note(absl::StrCat("a watermark runs ahead: ", told));
    }
    if (watermark.logged() < logged) Note(absl::StrCat("a watermark went back from ", logged, ": ", told));
    logged = std::max<uint64_t>(logged, watermark.logged());
  }
}

absl::StatusOr<std::string> AnswersOf(const std::string& address) {
  const std::unique_ptr<v1::PredictionService::Stub> prediction =
      v1::PredictionService::NewStub(ConnectEagerly(address));
  std::string bytes;
  for (const v1::PredictRequest& request : CrashRequests()) {
    grpc::ClientContext context;
    SetDeadline(&context, std::chrono::seconds(20));
    context.set_wait_for_ready(true);
    v1::PredictResponse response;
    const grpc::Status status = prediction->Predict(&context, request, &response);
    if (!status.ok()) return absl::UnavailableError(absl::StrCat("Predict: ", status.error_message()));
    absl::StrAppend(&bytes, ScoreBytes(response));
  }
  return bytes;
}

}  // namespace polyscene
