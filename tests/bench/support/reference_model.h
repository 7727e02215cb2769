// The model of models/reference.textproto: its rows, requests and steps, and the operations of its forward.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "model/learning/learner.h"
#include "model/serving/predictor.h"
#include "model/spec/model_spec.h"

namespace polyscene {

inline constexpr int64_t kReferenceIds = 50'000;  // Of each categorical feature: a million rows in all.

// How many of its 20 categorical and 10 numeric features are the request's context; the file's own by default.
struct ContextShare {
  int ids = 8;
  int numbers = 4;
};

std::shared_ptr<const ModelSpec> ReferenceSpec(ContextShare share = {},
                                               const std::function<void(v1::ModelFile&)>& edit = nullptr);

// An edit: products in bf16, for which the processor should have these.
void ServeBf16(v1::ModelFile& file);
inline constexpr char kBf16Instructions[] = "avx512_bf16";

// Rows whose ids are drawn evenly and whose numbers are normal. Not thread-safe.
class ReferenceRows {
 public:
  ReferenceRows(std::shared_ptr<const ModelSpec> spec, uint64_t seed) : spec_(std::move(spec)), random_(seed) {}

  Table Context() { return Draw(v1::CONTEXT, 1); }
  Table Candidates(int64_t rows) { return Draw(v1::CANDIDATE, rows); }
  Table Examples(int64_t rows) { return Draw(v1::SIDE_UNSPECIFIED, rows); }  // Both sides.
  Table ExamplesOf(int64_t first_id, int64_t rows);  // The same whose ids are first_id, first_id + 1, ...

 private:
  // side: SIDE_UNSPECIFIED: both.
  Table Draw(v1::Side side, int64_t rows);

  const std::shared_ptr<const ModelSpec> spec_;
  std::mt19937_64 random_;
};

// One step on rows of the scene (index), whose labels follow from their first number and first id.
void LearnReference(Learner& learner, const ModelSpec& spec, int scene, const Table& rows);

// A learner of `spec` all of whose ids have rows, after a pass over them and some steps more.
std::unique_ptr<Learner> LearnedReference(const std::shared_ptr<const ModelSpec>& spec, LearnerOptions options = {});

// A request and the tables that it borrows, of all tasks of its scene.
class OwnedRequest {
 public:
  OwnedRequest(const ModelSpec& spec, int scene, Table context, Table candidates);
  OwnedRequest(const OwnedRequest&) = delete;
  OwnedRequest& operator=(const OwnedRequest&) = delete;

  const ScoreRequest& request() const { return request_; }
  const TableView& context() const { return context_view_; }
  const TableView& candidates() const { return candidates_view_; }

 private:
  const Table context_;
  const Table candidates_;
  const TableView context_view_;
  const TableView candidates_view_;
  ScoreRequest request_;
};
std::vector<std::unique_ptr<OwnedRequest>> ReferenceRequests(const std::shared_ptr<const ModelSpec>& spec, int count,
                                                             int64_t candidates);

// Multiplications and additions of the network's products for a request of the first scene, the context's part of the
// first layer computed once. mmoe without scene adaptation, skips and interactions.
double SplitOperations(const ModelSpec& spec, int64_t candidates);
double FullOperations(const ModelSpec& spec, int64_t candidates);  // The context's part computed for each.

}  // namespace polyscene
