// The one place that builds and joins the parts of a server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/serving/predictor.h"
#include "server/config/settings.h"
#include "server/training/checkpoint_folder.h"

namespace rocksdb {
class Env;
}

namespace polyscene {

// Where the model comes from: LibTorch's, or a test's own.
struct ServerModel {
  std::string device;        // As GetStatus tells it.
  LearnerFunctions learner;  // Called on the thread that owns the server.
  std::function<absl::StatusOr<std::unique_ptr<Predictor>>()> predictor;
  rocksdb::Env* log_disk = nullptr;  // Of the event log, for a test; outlives the server. Null: the system's.
};

// A running server. One thread owns it: it calls Start(), Serve(), Stop() and the destructor.
class Server {
 public:
  // Opens the data directory, begins it with the checkpoint of settings.warm_start where one is named, and listens.
  // From here on events are accepted, and health tells NOT_SERVING.
  //   kPermissionDenied    the data directory cannot be written
  //   kFailedPrecondition  it is of another model or hash key, or in use; or an address is taken; names both sides
  //   as LoadWarmStart() and SaveWarmStart(), or what the predictor's factory or the log answered
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerSettings& settings, ServerModel model);

  // Recovers the newest checkpoint, starts the trainer and serves: health tells SERVING when this returns OK.
  //   as RecoverLearner() and Trainer::Start()
  absl::Status Serve();

  // Refuses new calls, drains those in flight, finishes the step, writes a checkpoint, closes the log. Idempotent.
  void Stop();

  // After Stop(): OK, or why there is no checkpoint of all that was learned. The log has it all the same.
  absl::Status saved() const;

  ~Server();  // Stop().

  const std::string& address() const;          // gRPC's, HOST:PORT with the port that was bound.
  const std::string& metrics_address() const;  // Likewise.
  uint64_t version() const;                    // Of the served snapshot; 0 before the first.

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace polyscene
