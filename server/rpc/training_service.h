// StreamEvents and GetWatermark.
#pragma once

#include <thread>

#include "absl/base/thread_annotations.h"
#include "polyscene/v1/training.grpc.pb.h"
#include "server/control/learning_control.h"
#include "server/rpc/event_intake.h"
#include "server/rpc/event_stream.h"
#include "server/rpc/live_streams.h"
#include "server/sync/mutex.h"

namespace polyscene {

// Threads:  gRPC's, and one of its own that wakes the streams when learning has moved on.
// Lifetime: it outlives the gRPC server; `intake` and `control` outlive it.
class TrainingService final
    : public v1::TrainingService::WithCallbackMethod_GetWatermark<
          v1::TrainingService::WithRawCallbackMethod_StreamEvents<v1::TrainingService::Service>> {
 public:
  TrainingService(EventIntake& intake, const LearningControl& control);
  ~TrainingService() override;

  // Ends every stream with UNAVAILABLE once what it has read is acknowledged, and refuses new ones. Waits for none.
  void Stop() { streams_.Stop(); }

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StreamEvents(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* GetWatermark(grpc::CallbackServerContext* context, const v1::GetWatermarkRequest* request,
                                         v1::Watermark* response) override;

 private:
  void Notify();  // Body of notifier_: returns once closing_ is set.

  EventIntake& intake_;
  const LearningControl& control_;
  LiveStreams<EventStream> streams_;

  Mutex mu_;
  CondVar closed_;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;

  std::thread notifier_;  // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene
