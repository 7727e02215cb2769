// Asks a server that is killed again and again, and notes what contradicts what it promises.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "polyscene/v1/model_service.grpc.pb.h"
#include "polyscene/v1/prediction.grpc.pb.h"
#include "polyscene/v1/training.grpc.pb.h"
#include "server/sync/mutex.h"

namespace polyscene {

// The promises: one version number never means two sets of weights; nothing is told learned that is not logged, nor
// served that is not learned, nor checkpointed that is not learned; what is logged never becomes less.
class Witness {
 public:
  Witness(const std::string& address, std::vector<std::string> producers);
  ~Witness();  // Ends.

  void End();                                       // Asks nothing any more.
  std::vector<std::string> contradictions() const;  // At most some; each says what was told.
  int64_t answers() const;

 private:
  void Run();  // Body of thread_.
  void AskPredict();
  void AskStatus();
  void AskWatermarks();
  void Note(std::string what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool ended() const;

  const std::vector<std::string> producers_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::PredictionService::Stub> prediction_;
  const std::unique_ptr<v1::ModelService::Stub> model_;
  const std::unique_ptr<v1::TrainingService::Stub> training_;

  mutable Mutex mu_;
  CondVar changed_;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  int64_t answers_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t log_end_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, uint64_t> logged_ ABSL_GUARDED_BY(mu_);  // By producer.
  std::map<uint64_t, std::string> scores_ ABSL_GUARDED_BY(mu_);  // By version: the bytes of one request's scores.
  std::vector<std::string> contradictions_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;  // Last, so that everything it reads exists before it starts.
};

// A channel that is soon back when the server is.
std::shared_ptr<grpc::Channel> ConnectEagerly(const std::string& address);

// The bytes of everything that the served weights answer to CrashRequests(), all of one version.
absl::StatusOr<std::string> AnswersOf(const std::string& address);

}  // namespace polyscene
