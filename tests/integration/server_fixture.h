// A real server in this process, and real gRPC over loopback.
#pragma once

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "polyscene/v1/model_service.grpc.pb.h"
#include "polyscene/v1/prediction.grpc.pb.h"
#include "polyscene/v1/training.grpc.pb.h"
#include "server/config/settings.h"
#include "server/server.h"
#include "tests/integration/test_model.h"
#include "tests/support/temp_directory.h"

namespace polyscene {

// Parses a message's text; a mistake fails the test.
template <typename Message>
Message Parse(const std::string& text);

class ServerFixture : public ::testing::Test {
 public:
  // A call that hangs fails its test by its deadline.
  static std::unique_ptr<grpc::ClientContext> Context();

 protected:
  ServerFixture();
  ~ServerFixture() override;

  ServerSettings& settings() {
    return settings_;
  }                         // Before StartServer(): tiny model, ports zero, a directory of its own.
  void StartServer();       // Until it serves.
  void StopServer();        // Then StartServer() is a restart on the same directory.
  void Connect();           // Stubs to server_; StartServer() does it.
  absl::Status TryStart();  // What a second server with settings() answers.

  grpc::Status Predict(const v1::PredictRequest& request, v1::PredictResponse* response);
  v1::PredictRequest GoodPredict() const;                                         // Three candidates of scene "shop".
  v1::EventBatch GoodBatch(uint64_t sequence, std::vector<int64_t> items) const;  // Of scene "shop", with all labels.
  v1::Watermark WatermarkOf(const std::string& producer);
  v1::GetStatusResponse GetStatus(const std::string& evaluation_of = "");

  std::string HttpGet(const std::string& path);  // Body of a page of the metrics address.
  std::string MetricsText() { return HttpGet("/metrics"); }

  // Streams the batches, waits until they are learned, and expects that nothing is rejected.
  void Learn(const std::string& producer, const std::vector<v1::EventBatch>& batches);

  ServerSettings settings_;
  TempDirectory directory_;
  TestModelControls controls_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::PredictionService::Stub> prediction_;
  std::unique_ptr<v1::TrainingService::Stub> training_;
  std::unique_ptr<v1::ModelService::Stub> model_;
};

// One StreamEvents call, as a client sees it.
class EventStreamClient {
 public:
  explicit EventStreamClient(v1::TrainingService::Stub& stub);

  void Open(const std::string& producer, bool wait_until_learned = false);
  void Send(const v1::StreamEventsRequest& request);
  void Send(const v1::EventBatch& batch);
  bool TrySend(const v1::EventBatch& batch);  // The same; false once the stream is broken.

  // The acknowledgement of the next batch; progress before it is noted and skipped. Fails the test if the stream ends.
  v1::StreamEventsResponse Acknowledgement();
  bool NextAcknowledgement(v1::StreamEventsResponse* response);  // The same; false: the stream has ended.
  // Reads progress until the watermark's `served` is there.
  void ReadUntilServed(uint64_t sequence);
  grpc::Status Finish();  // Half-closes, reads what is left into rest(), and tells how the stream ended.
  grpc::Status End();     // The same without half-close: for streams that the server ends.
  void Cancel() { context_->TryCancel(); }

  const std::vector<v1::StreamEventsResponse>& rest() const { return rest_; }
  const v1::Watermark& watermark() const { return watermark_; }  // The last that was told.

 private:
  bool Read(v1::StreamEventsResponse* response);

  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::StreamEventsRequest, v1::StreamEventsResponse>> stream_;
  std::vector<v1::StreamEventsResponse> rest_;
  v1::Watermark watermark_;
};

// One PredictStream call, as a client sees it.
class PredictStreamClient {
 public:
  explicit PredictStreamClient(v1::PredictionService::Stub& stub);
  ~PredictStreamClient();

  bool Send(const v1::PredictStreamRequest& request);  // False once the stream is broken.
  // From a thread of its own, in the order of the calls: for more than the server takes at once.
  void SendLater(v1::PredictStreamRequest request);

  // The next `count` answers by id; two with the same one, or the stream's end, fail the test.
  std::map<uint64_t, v1::PredictStreamResponse> Read(size_t count);
  bool ReadOne(v1::PredictStreamResponse* response) { return stream_->Read(response); }

  grpc::Status Finish();  // Half-closes, expects no further answer, and tells how the stream ended.
  grpc::Status End();     // The same without half-close: for streams that the server ends.
  void HalfClose();
  void Cancel() { context_->TryCancel(); }

 private:
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PredictStreamRequest, v1::PredictStreamResponse>> stream_;
  std::vector<v1::PredictStreamRequest> later_;  // The sender's once it runs.
  std::thread sender_;
};

// A bidirectional stream of bytes: for messages that no client of ours would send.
class RawStream {
 public:
  RawStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& method);

  void Send(const std::string& message);
  grpc::Status End();  // Reads until the server ends the stream.
  int answers() const { return answers_; }

 private:
  bool Wait();

  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  int answers_ = 0;
};

}  // namespace polyscene
