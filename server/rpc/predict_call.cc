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

constexpr int64_t kMinTimeMicros = -62'135'596'800'000'000;  // 0001-01-01T00:00:00Z
constexpr int64_t kMaxTimeMicros = 253'402'300'799'999'999;  // 9999-12-31T23:59:59.999999Z

absl::Status CheckRemember(const v1::PredictRequest& request) {
  if (request.request_id().empty()) {
    return absl::InvalidArgumentError(absl::StrCat("request_id: got none, expected 1 to ", kMaxRequestIdBytes,
                                                   " bytes, by which labels can name a request with `remember`"));
  }
  const int64_t time = request.event_time_micros();
  if (time >= kMinTimeMicros && time <= kMaxTimeMicros) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "event_time_micros: got ", time, ", expected microseconds since 1970 within the years 1 to 9999, or 0 for now"));
}

absl::Status InTable(absl::string_view table, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(table, ": ", status.message()));
}

}  // namespace

void PredictInput::Clear() {
  scene_ = -1;
  rows_ = 0;
  tasks_ = {};
  asked_tasks_.clear();
  context_.Clear();
  candidates_.Clear();
}

absl::Status PredictInput::Read(const PredictOptions& options, const v1::PredictRequest& request) {
  const ModelSpec& spec = *options.spec;
  Clear();
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
  if (request.remember()) {
    if (absl::Status status = CheckRemember(request); !status.ok()) return status;
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
    if (std::find(asked_tasks_.begin(), asked_tasks_.end(), task) != asked_tasks_.end()) {
      return absl::InvalidArgumentError(absl::StrCat("tasks: got '", name, "' twice, expected each task once"));
    }
    asked_tasks_.push_back(task);
  }
  tasks_ = asked_tasks_;
  return absl::OkStatus();
}

absl::Status PredictInput::ReadTables(const ModelSpec& spec, const HashKey& key, int64_t max_rows,
                                      const v1::PredictRequest& request) {
  const SceneSpec& scene = spec.scenes()[scene_];
  has_candidates_ = scene.has_candidates;
  // Without a context column there still is the one context row that every candidate shares.
  const int64_t context_rows = request.context().empty() && has_candidates_ ? 1 : -1;
  if (absl::Status status = DecodeTable(request.context(), context_rows, &context_); !status.ok()) {
    return InTable("context", status);
  }
  if (absl::Status status = DecodeTable(request.candidates(), -1, &candidates_); !status.ok()) {
    return InTable("candidates", status);
  }
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

v1::RememberedRequest PredictInput::ToRemembered(const ModelSpec& spec, const ScoredRequest& scored) const {
  v1::RememberedRequest remembered;
  remembered.set_scene(spec.scenes()[scene_].name);
  EncodeTable(context_.view, remembered.mutable_context());
  CutSequences(spec, remembered.mutable_context());
  if (has_candidates_) {
    EncodeTable(candidates_.view, remembered.mutable_candidates());
    CutSequences(spec, remembered.mutable_candidates());
  }
  remembered.set_rows(static_cast<uint32_t>(rows_));
  for (const ScoredTask& task : scored.result.tasks) {
    v1::ServedScores* served = remembered.add_served();
    served->set_task(spec.tasks()[task.task].name);
    served->mutable_values()->Add(task.values.begin(), task.values.end());
  }
  remembered.set_version(scored.snapshot.version);
  return remembered;
}

void RememberPredict(const PredictOptions& options, const v1::PredictRequest& request, const PredictInput& input,
                     const ScoredRequest& scored, v1::PredictResponse* response, std::function<void()> done) {
  if (options.memory == nullptr) return done();
  v1::RememberedRequest remembered = input.ToRemembered(*options.spec, scored);
  remembered.set_event_time_micros(request.event_time_micros());
  options.memory->Remember(request.request_id(), input.scene(), std::move(remembered), request.wait_until_remembered(),
                           [response, done = std::move(done)](bool ok) {
                             response->set_remembered(ok);
                             done();
                           });
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
