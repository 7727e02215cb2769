// Who sends the requests of a load: one of a pool at a time, without ever waiting for an answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace polyscene::load {

// A request made ready before the run, so that sending it costs as little as it can.
struct PreparedRequest {
  std::string scene;
  int64_t rows = 0;   // That the server scores for it.
  std::string bytes;  // A serialized v1.PredictRequest.
};

struct CallOutcome {
  absl::Status status;
  uint64_t version = 0;  // Of the weights that answered.
};

// Threads: Start() from any, at once. `done` is called exactly once for each Start(), from a thread of the caller's.
class Caller {
 public:
  using Done = std::function<void(const CallOutcome&)>;

  virtual ~Caller() = default;

  // Sends request number `request` of the pool, to be answered within `timeout`. Never blocks, and never calls `done`
  // from within.
  virtual void Start(size_t request, absl::Duration timeout, Done done) = 0;

  // Ends every call that is not done (kCancelled), soon.
  virtual void CancelAll() = 0;

  // Processor time that went into receiving answers. Where it comes near the time that passed, the answers waited for
  // us, and latencies say more of this program than of the server.
  virtual absl::Duration ReceiverTime() const { return absl::ZeroDuration(); }
};

}  // namespace polyscene::load
