// A PredictionService in this process that answers, refuses and breaks off as a test says.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "grpcpp/grpcpp.h"
#include "polyscene/v1/prediction.grpc.pb.h"

namespace polyscene {

// A PredictionService that does with each request what a test says.
class FakePredictionService final : public v1::PredictionService::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::PredictStreamResponse, v1::PredictStreamRequest>;

  // Called for each request with the number of its stream (from 1). False ends the stream with `end`.
  std::function<bool(int stream, const v1::PredictStreamRequest&, Stream&)> script =
      [](int, const v1::PredictStreamRequest& request, Stream& stream) { return Answer(request, stream); };
  grpc::Status end{grpc::StatusCode::UNAVAILABLE, "the server is stopping"};

  grpc::Status PredictStream(grpc::ServerContext*, Stream* stream) override {
    const int number = ++streams;
    v1::PredictStreamRequest request;
    while (stream->Read(&request)) {
      if (!script(number, request, *stream)) return end;
    }
    return grpc::Status::OK;
  }

  static bool Answer(const v1::PredictStreamRequest& request, Stream& stream) {
    v1::PredictStreamResponse response;
    response.set_id(request.id());
    response.mutable_response()->set_request_id(request.request().request_id());
    stream.Write(response);
    return true;
  }
  static bool Refuse(const v1::PredictStreamRequest& request, Stream& stream, int code, const std::string& message) {
    v1::PredictStreamResponse response;
    response.set_id(request.id());
    response.mutable_error()->set_code(code);
    response.mutable_error()->set_message(message);
    stream.Write(response);
    return true;
  }

  std::atomic<int> streams{0};
};

}  // namespace polyscene
