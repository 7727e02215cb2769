#include "server/rpc/predict_call.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/feature/validation.h"
#include "model/spec/names.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/model_state.h"

namespace polyscene {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;
constexpr size_t kShownBytes = 64;  // Of a name that came and is not known, in a message.

absl::Status InTable(absl::string_view table, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(table, ": ", status.message()));
}

}  // namespace

absl::Status PredictInput::Read(const PredictOptions& options, const v1::PredictRequest& request) {
  const ModelSpec& spec = *options.spec;
  scene_ = spec.FindScene(request.scene());
  if (scene_ < 0) {
    std::vector<std::string> known;
    for (const SceneSpec& scene : spec.scenes()) known.push_back(scene.name);
    return absl::InvalidArgumentError(
        absl::StrCat("scene: got '", CutText(request.scene(), kShownBytes), "'", ExpectedName(request.scene(), known)));
  }
  if (request.request_id().size() > kMaxRequestIdBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("request_id: got ", request.request_id().size(), " bytes, expected at most ", kMaxRequestIdBytes));
  }
  if (absl::Status status = ReadTasks(spec, request); !status.ok()) return status;
  return ReadTables(spec, options.hash_key, options.max_request_rows, request);
}

absl::Status PredictInput::ReadTasks(const ModelSpec& spec, const v1::PredictRequest& request) {
  const SceneSpec& scene = spec.scenes()[scene_];
  if (request.tasks().empty()) {
    tasks_ = scene.tasks;
    return absl::OkStatus();
  }
  for (const std::string& name : request.tasks()) {
    const int task = spec.FindTask(name);
    if (task < 0 || !scene.has_task[task]) {
      std::vector<std::string> known;
      for (const int of_scene : scene.tasks) known.push_back(spec.tasks()[of_scene].name);
      return absl::InvalidArgumentError(absl::StrCat("tasks: got '", CutText(name, kShownBytes),
                                                     "', which is not a task of scene '", scene.name, "'",
                                                     ExpectedName(name, known)));
    }
    if (std::find(tasks_.begin(), tasks_.end(), task) != tasks_.end()) {
      return absl::InvalidArgumentError(absl::StrCat("tasks: got '", name, "' twice, expected each task once"));
    }
    tasks_.push_back(task);
  }
  return absl::OkStatus();
}

absl::Status PredictInput::ReadTables(const ModelSpec& spec, const HashKey& key, int64_t max_rows,
                                      const v1::PredictRequest& request) {
  const SceneSpec& scene = spec.scenes()[scene_];
  has_candidates_ = scene.has_candidates;
  // Without a context column there still is the one context row that every candidate shares.
  const int64_t context_rows = request.context().empty() && has_candidates_ ? 1 : -1;
  absl::StatusOr<DecodedTable> context = DecodeTable(request.context(), context_rows);
  if (!context.ok()) return InTable("context", context.status());
  absl::StatusOr<DecodedTable> candidates = DecodeTable(request.candidates(), -1);
  if (!candidates.ok()) return InTable("candidates", candidates.status());
  context_ = *std::move(context);
  candidates_ = *std::move(candidates);
  if (absl::Status status = ValidateRequest(spec, scene, context_.view, candidates_.view, max_rows); !status.ok()) {
    return status;
  }
  rows_ = has_candidates_ ? candidates_.view.rows : context_.view.rows;
  HashPersonal(spec, key, &context_);
  HashPersonal(spec, key, &candidates_);
  return absl::OkStatus();
}

PendingRequest PredictInput::ToPending() const {
  PendingRequest pending;
  pending.scene = scene_;
  pending.context = &context_.view;
  pending.candidates = has_candidates_ ? &candidates_.view : nullptr;
  pending.tasks = tasks_;
  pending.rows = rows_;
  return pending;
}

void FillPredictResponse(const ModelSpec& spec, const v1::PredictRequest& request, const ScoredRequest& scored,
                         absl::Time now, v1::PredictResponse* response) {
  response->set_request_id(request.request_id());
  FillModelState(scored.snapshot, now, response->mutable_model());
  for (const ScoredTask& task : scored.result.tasks) {
    v1::TaskScores* scores = response->add_scores();
    scores->set_task(spec.tasks()[task.task].name);
    scores->set_outputs(static_cast<uint32_t>(task.outputs));
    scores->mutable_values()->Add(task.values.begin(), task.values.end());
  }
  response->mutable_ranking()->Add(scored.result.ranking.begin(), scored.result.ranking.end());
}

}  // namespace polyscene
