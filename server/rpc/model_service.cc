#include "server/rpc/model_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/metrics/resident_memory.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/model_state.h"

namespace polyscene {
namespace {

constexpr size_t kMaxWaitingCheckpoints = 16;

void FillEvaluation(const std::vector<EvaluationFigure>& figures, v1::GetStatusResponse* response) {
  for (const EvaluationFigure& figure : figures) {
    v1::EvaluationFigure* out = response->add_evaluation();
    out->set_scene(figure.scene);
    out->set_task(figure.task);
    out->set_metric(figure.metric);
    out->set_value(figure.value);
    out->set_rows(figure.rows);
  }
}

}  // namespace

ModelService::ModelService(ModelServiceOptions options, const EventLog& log, LearningControl& control,
                           const SnapshotStore& snapshots)
    : options_(std::move(options)),
      log_(log),
      control_(control),
      snapshots_(snapshots),
      checkpoints_(kMaxWaitingCheckpoints) {}

grpc::ServerUnaryReactor* ModelService::GetModel(grpc::CallbackServerContext* context, const v1::GetModelRequest*,
                                                 v1::GetModelResponse* response) {
  *response->mutable_model() = options_.spec->file();
  response->set_fingerprint(options_.spec->fingerprint_hex());
  response->set_text(options_.spec->text());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* ModelService::GetStatus(grpc::CallbackServerContext* context,
                                                  const v1::GetStatusRequest* request,
                                                  v1::GetStatusResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(FillStatus(request->evaluation_of(), response), context));
  return reactor;
}

absl::Status ModelService::FillStatus(const std::string& evaluation_of, v1::GetStatusResponse* response) const {
  const absl::Time now = absl::Now();
  const std::shared_ptr<const LearningReport> report = control_.Report();
  if (evaluation_of.empty()) {
    FillEvaluation(report->recent, response);
  } else {
    const auto opened = std::find_if(report->opened.begin(), report->opened.end(),
                                     [&](const auto& entry) { return entry.first == evaluation_of; });
    if (opened == report->opened.end()) {
      return absl::NotFoundError(absl::StrCat("evaluation_of: producer '", CutText(evaluation_of, 64),
                                              "' has no evaluation in the served weights: expected one that opened its "
                                              "stream with `evaluate_from_micros`"));
    }
    FillEvaluation(opened->second, response);
  }
  for (const TableRows& table : report->tables) {
    v1::TableStatus* out = response->add_tables();
    out->set_table(table.table);
    out->set_rows(table.rows);
  }
  if (const std::shared_ptr<const Snapshot> snapshot = snapshots_.Current(); snapshot != nullptr) {
    FillModelState(snapshot->info(), now, response->mutable_model());
  }
  const LearningPositions positions = control_.Positions();
  response->set_fingerprint(options_.spec->fingerprint_hex());
  response->set_device(options_.device);
  response->set_events_accepted(log_.rows_accepted());
  response->set_events_learned(positions.rows_learned);
  response->set_log_end_offset(log_.end_offset());
  response->set_learned_offset(positions.learned_offset);
  response->set_served_offset(positions.served_offset);
  response->set_checkpoint_offset(positions.checkpoint_offset);
  response->set_step(positions.step);
  response->set_serving(options_.serving());
  response->set_uptime_seconds(absl::ToDoubleSeconds(now - options_.started));
  response->set_memory_resident_bytes(ResidentMemoryBytes());
  response->set_trainer_error(std::string(control_.health().message()));
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* ModelService::SaveCheckpoint(grpc::CallbackServerContext* context,
                                                       const v1::SaveCheckpointRequest*,
                                                       v1::SaveCheckpointResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::Status submitted = checkpoints_.Submit([this, context, reactor, response] {
    const absl::StatusOr<SavedCheckpoint> saved = control_.SaveCheckpoint();
    if (saved.ok()) {
      response->set_version(saved->version);
      response->set_learned_offset(saved->learned_offset);
      response->set_directory(saved->directory);
    }
    reactor->Finish(ToGrpcStatus(saved.status(), context));
  });
  if (!submitted.ok()) reactor->Finish(ToGrpcStatus(submitted, context));
  return reactor;
}

}  // namespace polyscene
