// A TrainingService in this process that does what a test says: it drops connections, refuses rows, falls silent.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "polyscene/v1/training.grpc.pb.h"

namespace polyscene {

// Keeps what a real server would keep durable: each producer's batches by sequence.
//
// Script: called for each batch with the number of the stream it came on (from 1), before it is logged; says what
// happens.
class FakeTrainingService final : public v1::TrainingService::Service {
 public:
  enum class Act {
    kAccept,        // Log and acknowledge.
    kDropUnlogged,  // End the stream; the batch is lost.
    kDropLogged,    // Log, but end the stream instead of acknowledging.
    kTwice,         // Log, and acknowledge two times.
    kSilence,       // Log, and say nothing until the client goes away.
  };
  using Script = std::function<Act(int stream, uint64_t sequence)>;

  Script script = [](int, uint64_t) { return Act::kAccept; };
  grpc::Status drop_status{grpc::StatusCode::UNAVAILABLE, "the server is stopping"};
  std::function<bool(uint64_t sequence, uint32_t row)> refuse = [](uint64_t, uint32_t) { return false; };
  std::function<void(const v1::EventBatch&)> on_logged = [](const v1::EventBatch&) {};
  std::function<void(const v1::LabelBatch&)> on_labels = [](const v1::LabelBatch&) {};  // As they are logged, likewise.
  std::function<void(const v1::ExposureBatch&)> on_exposures = [](const v1::ExposureBatch&) {};
  bool learns = true;          // At once, else never.
  bool tells_learning = true;  // In acknowledgements; else only when asked.

  grpc::Status StreamEvents(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::StreamEventsResponse, v1::StreamEventsRequest>* stream) override {
    v1::StreamEventsRequest request;
    if (!stream->Read(&request) || !request.has_open()) {
      return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no opening message");
    }
    const int number = Opened(request.open());
    const std::string producer = request.open().producer_id();
    while (stream->Read(&request)) {
      const Act act = script(number, SequenceOf(request));
      if (act == Act::kDropUnlogged) return drop_status;
      const std::optional<v1::StreamEventsResponse> response = Log(producer, request);
      if (!response.has_value()) return grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "a sequence was skipped");
      if (act == Act::kDropLogged) return drop_status;
      if (act == Act::kSilence) {
        while (stream->Read(&request)) {
        }
        return grpc::Status::OK;
      }
      stream->Write(*response);
      if (act == Act::kTwice) stream->Write(*response);
    }
    return grpc::Status::OK;
  }

  grpc::Status GetWatermark(grpc::ServerContext*, const v1::GetWatermarkRequest* request,
                            v1::Watermark* watermark) override {
    std::lock_guard<std::mutex> lock(mu_);
    *watermark = WatermarkOf(request->producer_id(), /*told=*/true);
    return grpc::Status::OK;
  }

  // The rows logged, each as often as it was: "sequence:row".
  std::vector<std::string> LoggedRows(const std::string& producer) {
    std::lock_guard<std::mutex> lock(mu_);
    return logged_[producer];
  }
  std::vector<v1::OpenStream> opened() {
    std::lock_guard<std::mutex> lock(mu_);
    return opened_;
  }
  void SetLearns(bool learns_now) {
    std::lock_guard<std::mutex> lock(mu_);
    learns = learns_now;
  }
  void Forget(const std::string& producer) {
    std::lock_guard<std::mutex> lock(mu_);
    last_.erase(producer);
  }
  void SetLogged(const std::string& producer, uint64_t sequence) {
    std::lock_guard<std::mutex> lock(mu_);
    last_[producer] = sequence;
  }

 private:
  static uint64_t SequenceOf(const v1::StreamEventsRequest& request) {
    if (request.has_labels()) return request.labels().sequence();
    if (request.has_exposures()) return request.exposures().sequence();
    return request.batch().sequence();
  }
  static uint32_t RowsOf(const v1::StreamEventsRequest& request) {
    if (request.has_labels()) return static_cast<uint32_t>(request.labels().row_size());
    uint32_t rows = request.batch().rows();
    for (const v1::Exposure& exposure : request.exposures().exposures()) rows += exposure.rows_size();
    return rows;
  }

  int Opened(const v1::OpenStream& open) {
    std::lock_guard<std::mutex> lock(mu_);
    opened_.push_back(open);
    return static_cast<int>(opened_.size());
  }

  // Nothing where the sequence skips.
  std::optional<v1::StreamEventsResponse> Log(const std::string& producer, const v1::StreamEventsRequest& request) {
    std::lock_guard<std::mutex> lock(mu_);
    const uint64_t sequence = SequenceOf(request);
    uint64_t& last = last_[producer];
    if (sequence > last + 1) return std::nullopt;
    v1::StreamEventsResponse response;
    response.set_accepted_sequence(sequence);
    uint64_t accepted = 0;
    for (uint32_t row = 0; row < RowsOf(request); ++row) {
      if (refuse(sequence, row)) {
        v1::RejectedRow* const rejected = response.add_rejected();
        rejected->set_sequence(sequence);
        rejected->set_row(row);
        rejected->set_reason("out_of_range");
        rejected->set_message("the script refuses it");
        continue;
      }
      ++accepted;
      if (sequence == last + 1) logged_[producer].push_back(absl::StrCat(sequence, ":", row));
    }
    response.set_accepted_rows(accepted);
    if (sequence == last + 1) {
      if (request.has_batch()) on_logged(request.batch());
      if (request.has_labels()) on_labels(request.labels());
      if (request.has_exposures()) on_exposures(request.exposures());
    }
    last = std::max(last, sequence);
    *response.mutable_watermark() = WatermarkOf(producer, tells_learning);
    return response;
  }

  v1::Watermark WatermarkOf(const std::string& producer, bool told) {
    v1::Watermark watermark;
    const auto last = last_.find(producer);
    watermark.set_logged(last == last_.end() ? 0 : last->second);
    watermark.set_learned(learns && told ? watermark.logged() : 0);
    watermark.set_served(watermark.learned());
    return watermark;
  }

  std::mutex mu_;
  std::map<std::string, uint64_t> last_;
  std::map<std::string, std::vector<std::string>> logged_;
  std::vector<v1::OpenStream> opened_;
};

// A gRPC server on a free port of loopback. Several may follow each other on one port.
class TestServer {
 public:
  explicit TestServer(std::vector<grpc::Service*> services, int port = 0) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port), grpc::InsecureServerCredentials(), &port_);
    for (grpc::Service* service : services) builder.RegisterService(service);
    server_ = builder.BuildAndStart();
  }
  ~TestServer() { Stop(); }

  void Stop() {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    server_ = nullptr;
  }

  int port() const { return port_; }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace polyscene
