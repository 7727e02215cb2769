// One request to score, by Predict or on a PredictStream: from its message to what the batcher takes, and from scores
// to its answer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/feature/hash_key.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/prediction.pb.h"
#include "polyscene/v1/record.pb.h"
#include "server/batching/batcher.h"
#include "server/codec/codec.h"
#include "server/joiner/request_memory.h"

namespace polyscene {

// What every Predict call of a server shares.
struct PredictOptions {
  std::shared_ptr<const ModelSpec> spec;
  HashKey hash_key;
  int64_t max_request_rows = 10000;
  int max_stream_requests = 256;    // Unanswered ones of one PredictStream.
  RequestMemory* memory = nullptr;  // For those that want to be remembered; outlives every call. Null: none is.
};

// A validated request: borrows the message it was read from. Not movable once read, but another may be read into it,
// which then uses its memory again.
class PredictInput {
 public:
  PredictInput() = default;
  PredictInput(const PredictInput&) = delete;
  PredictInput& operator=(const PredictInput&) = delete;

  // kInvalidArgument names the field, what came and what was expected. scene() is known even then, if there is one.
  absl::Status Read(const PredictOptions& options, const v1::PredictRequest& request);

  void Clear();  // As before Read(); what it borrowed may go. As much of its memory stays as requests usually need.

  int scene() const { return scene_; }  // Index; -1 before Read() or where it is unknown.
  int64_t rows() const { return rows_; }
  PendingRequest ToPending() const;  // Without deadline and `done`; borrows from here.

  // The request as it was scored, to be remembered; without its event time.
  v1::RememberedRequest ToRemembered(const ModelSpec& spec, const ScoredRequest& scored) const;

 private:
  absl::Status ReadTasks(const ModelSpec& spec, const v1::PredictRequest& request);
  absl::Status ReadTables(const ModelSpec& spec, const HashKey& key, int64_t max_rows,
                          const v1::PredictRequest& request);

  int scene_ = -1;
  int64_t rows_ = 0;
  bool has_candidates_ = false;
  absl::Span<const int> tasks_;   // The scene's, or
  std::vector<int> asked_tasks_;  // those that the request lists.
  DecodedTable context_;
  DecodedTable candidates_;
};

// Remembers the request `input`, which was read from `request` and scored, and writes whether that is so into
// `response`. done: called once, at once or, where the request wants to wait, from the log's own thread.
void RememberPredict(const PredictOptions& options, const v1::PredictRequest& request, const PredictInput& input,
                     const ScoredRequest& scored, v1::PredictResponse* response, std::function<void()> done);

// Writes the scores of one request into `response`.
void FillPredictResponse(const ModelSpec& spec, const v1::PredictRequest& request, const ScoredRequest& scored,
                         absl::Time now, v1::PredictResponse* response);

}  // namespace polyscene
