#include "tests/integration/server_fixture.h"

#include <httplib.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

constexpr int kCallSeconds = 60;  // Far beyond what any call takes, also under a sanitizer.

}  // namespace

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}
template v1::PredictRequest Parse(const std::string&);
template v1::EventBatch Parse(const std::string&);
template v1::StreamEventsRequest Parse(const std::string&);

ServerFixture::ServerFixture() {
  settings_.model = TinyModel();
  settings_.data_dir = (directory_.path() / "data").string();
  const absl::StatusOr<v1::ServerConfig> config =
      ParseServerConfig(R"(predict_threads: 2 max_request_rows: 100 max_batch_events: 100 log_sync_interval_ms: 0.1)",
                        "server.textproto");
  EXPECT_TRUE(config.ok()) << config.status();
  settings_.config = *config;
  settings_.config.set_listen("127.0.0.1:0");
  settings_.config.set_metrics_listen("127.0.0.1:0");
}

ServerFixture::~ServerFixture() = default;

void ServerFixture::StartServer() {
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(settings_, MakeTestModel(settings_, controls_));
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  const absl::Status served = server_->Serve();
  ASSERT_TRUE(served.ok()) << served;
  Connect();
}

void ServerFixture::Connect() {
  channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
  prediction_ = v1::PredictionService::NewStub(channel_);
  training_ = v1::TrainingService::NewStub(channel_);
  model_ = v1::ModelService::NewStub(channel_);
}

void ServerFixture::StopServer() { server_.reset(); }

absl::Status ServerFixture::TryStart() {
  TestModelControls controls;
  const absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(settings_, MakeTestModel(settings_, controls));
  return server.ok() ? (*server)->Serve() : server.status();
}

std::unique_ptr<grpc::ClientContext> ServerFixture::Context() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(kCallSeconds));
  return context;
}

grpc::Status ServerFixture::Predict(const v1::PredictRequest& request, v1::PredictResponse* response) {
  return prediction_->Predict(Context().get(), request, response);
}

v1::PredictRequest ServerFixture::GoodPredict() const {
  return Parse<v1::PredictRequest>(R"(
    scene: "shop" request_id: "r1"
    context { name: "user" strings: "ann" }
    candidates { name: "item" ints: 10 ints: 20 ints: 30 }
    candidates { name: "price" floats: 1 floats: 2 floats: 0 missing_rows: 2 }
    candidates { name: "tags" strings: "new" strings: "red" lengths: 2 lengths: 0 lengths: 0 })");
}

v1::EventBatch ServerFixture::GoodBatch(uint64_t sequence, std::vector<int64_t> items) const {
  v1::EventBatch batch;
  batch.set_sequence(sequence);
  batch.set_scene("shop");
  batch.set_rows(static_cast<uint32_t>(items.size()));
  v1::Column* user = batch.add_columns();
  user->set_name("user");
  v1::Column* item = batch.add_columns();
  item->set_name("item");
  v1::Labels* click = batch.add_labels();
  click->set_task("click");
  v1::Labels* spend = batch.add_labels();
  spend->set_task("spend");
  for (const int64_t id : items) {
    user->add_strings(absl::StrCat("user", id % 3));
    item->add_ints(id);
    click->add_values(static_cast<float>(id % 2));
    spend->add_values(static_cast<float>(id % 5));
    batch.add_event_times_micros(1'000'000 + id);
  }
  return batch;
}

v1::Watermark ServerFixture::WatermarkOf(const std::string& producer) {
  v1::GetWatermarkRequest request;
  request.set_producer_id(producer);
  v1::Watermark watermark;
  const grpc::Status status = training_->GetWatermark(Context().get(), request, &watermark);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return watermark;
}

v1::GetStatusResponse ServerFixture::GetStatus(const std::string& evaluation_of) {
  v1::GetStatusRequest request;
  request.set_evaluation_of(evaluation_of);
  v1::GetStatusResponse response;
  const grpc::Status status = model_->GetStatus(Context().get(), request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

std::string ServerFixture::HttpGet(const std::string& path) {
  const httplib::Result result = httplib::Client("http://" + server_->metrics_address()).Get(path);
  EXPECT_TRUE(result) << path;
  return result ? result->body : "";
}

void ServerFixture::Learn(const std::string& producer, const std::vector<v1::EventBatch>& batches) {
  EventStreamClient stream(*training_);
  stream.Open(producer, /*wait_until_learned=*/true);
  for (const v1::EventBatch& batch : batches) stream.Send(batch);
  const grpc::Status status = stream.Finish();
  ASSERT_TRUE(status.ok()) << status.error_message();
  for (const v1::StreamEventsResponse& response : stream.rest()) ASSERT_EQ(response.rejected_size(), 0);
}

EventStreamClient::EventStreamClient(v1::TrainingService::Stub& stub)
    : context_(std::make_unique<grpc::ClientContext>()) {
  context_->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(kCallSeconds));
  stream_ = stub.StreamEvents(context_.get());
}

void EventStreamClient::Open(const std::string& producer, bool wait_until_learned) {
  v1::StreamEventsRequest request;
  request.mutable_open()->set_producer_id(producer);
  request.mutable_open()->set_wait_until_learned(wait_until_learned);
  Send(request);
}

void EventStreamClient::Send(const v1::StreamEventsRequest& request) { stream_->Write(request); }

void EventStreamClient::Send(const v1::EventBatch& batch) { TrySend(batch); }

bool EventStreamClient::TrySend(const v1::EventBatch& batch) {
  v1::StreamEventsRequest request;
  *request.mutable_batch() = batch;
  return stream_->Write(request);
}

bool EventStreamClient::Read(v1::StreamEventsResponse* response) {
  if (!stream_->Read(response)) return false;
  // Whatever an answer is about, its watermark never goes back.
  EXPECT_GE(response->watermark().logged(), watermark_.logged());
  EXPECT_GE(response->watermark().learned(), watermark_.learned());
  EXPECT_GE(response->watermark().served(), watermark_.served());
  watermark_ = response->watermark();
  return true;
}

v1::StreamEventsResponse EventStreamClient::Acknowledgement() {
  v1::StreamEventsResponse response;
  if (!NextAcknowledgement(&response)) ADD_FAILURE() << "the stream ended";
  return response;
}

bool EventStreamClient::NextAcknowledgement(v1::StreamEventsResponse* response) {
  do {
    if (!Read(response)) return false;
  } while (response->accepted_sequence() == 0);
  return true;
}

void EventStreamClient::ReadUntilServed(uint64_t sequence) {
  v1::StreamEventsResponse response;
  while (watermark_.served() < sequence) {
    if (!Read(&response)) FAIL() << "the stream ended";
  }
}

grpc::Status EventStreamClient::Finish() {
  stream_->WritesDone();
  return End();
}

grpc::Status EventStreamClient::End() {
  v1::StreamEventsResponse response;
  while (Read(&response)) rest_.push_back(response);
  return stream_->Finish();
}

PredictStreamClient::PredictStreamClient(v1::PredictionService::Stub& stub)
    : context_(ServerFixture::Context()), stream_(stub.PredictStream(context_.get())) {}

PredictStreamClient::~PredictStreamClient() {
  if (sender_.joinable()) sender_.join();
}

bool PredictStreamClient::Send(const v1::PredictStreamRequest& request) { return stream_->Write(request); }

void PredictStreamClient::SendLater(v1::PredictStreamRequest request) { later_.push_back(std::move(request)); }

std::map<uint64_t, v1::PredictStreamResponse> PredictStreamClient::Read(size_t count) {
  if (!later_.empty() && !sender_.joinable()) {
    sender_ = std::thread([this] {
      for (const v1::PredictStreamRequest& request : later_) Send(request);
    });
  }
  std::map<uint64_t, v1::PredictStreamResponse> answers;
  for (size_t i = 0; i < count; ++i) {
    v1::PredictStreamResponse response;
    if (!stream_->Read(&response)) {
      ADD_FAILURE() << "the stream ended after " << i << " answers";
      break;
    }
    const bool first = answers.emplace(response.id(), response).second;
    EXPECT_TRUE(first) << "two answers for " << response.id();
  }
  return answers;
}

void PredictStreamClient::HalfClose() { stream_->WritesDone(); }

grpc::Status PredictStreamClient::Finish() {
  if (sender_.joinable()) sender_.join();
  HalfClose();
  return End();
}

grpc::Status PredictStreamClient::End() {
  v1::PredictStreamResponse response;
  while (stream_->Read(&response)) ADD_FAILURE() << "an answer nobody asked for: " << response.DebugString();
  return stream_->Finish();
}

RawStream::RawStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& method)
    : stub_(channel), context_(ServerFixture::Context()), call_(stub_.PrepareCall(context_.get(), method, &queue_)) {
  call_->StartCall(this);
  EXPECT_TRUE(Wait());
}

bool RawStream::Wait() {
  void* tag;
  bool ok = false;
  return queue_.Next(&tag, &ok) && ok;
}

void RawStream::Send(const std::string& message) {
  const grpc::Slice slice(message);
  call_->Write(grpc::ByteBuffer(&slice, 1), this);
  EXPECT_TRUE(Wait());
}

grpc::Status RawStream::End() {
  grpc::ByteBuffer answer;
  for (;;) {
    call_->Read(&answer, this);
    if (!Wait()) break;
    ++answers_;
  }
  grpc::Status status;
  call_->Finish(&status, this);
  EXPECT_TRUE(Wait());
  return status;
}

}  // namespace polyscene
