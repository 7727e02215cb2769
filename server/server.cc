#include "server/server.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "polyscene/v1/model_service.pb.h"
#include "server/backup.h"
#include "server/batching/batcher.h"
#include "server/data_directory.h"
#include "server/deferred_control.h"
#include "server/eventlog/event_log.h"
#include "server/joiner/joiner.h"
#include "server/joiner/request_memory.h"
#include "server/joiner/sweeper.h"
#include "server/log/log.h"
#include "server/metrics/http_endpoint.h"
#include "server/metrics/metrics.h"
#include "server/rpc/event_intake.h"
#include "server/rpc/grpc_server.h"
#include "server/rpc/model_service.h"
#include "server/rpc/prediction_service.h"
#include "server/rpc/status_report.h"
#include "server/rpc/training_service.h"
#include "server/snapshot/snapshot_store.h"
#include "server/sync/clock.h"
#include "server/sync/mutex.h"
#include "server/training/trainer.h"
#include "server/warm_start.h"

namespace polyscene {

// Each part after those that it uses; so the last one is the first to go.
struct Server::Parts {
  Parts(const ServerSettings& server_settings, ServerModel server_model)
      : settings(server_settings), model(std::move(server_model)), metrics(settings.model) {}

  const ServerSettings settings;
  const ServerModel model;
  const absl::Time started = absl::Now();
  const SystemClock clock;
  const SteadyClock steady_clock;
  std::atomic<bool> serving{false};
  bool stopped = false;

  Mutex health_mu;
  GrpcServer* health ABSL_GUARDED_BY(health_mu) = nullptr;  // While there is one.
  bool log_broken ABSL_GUARDED_BY(health_mu) = false;

  Metrics metrics;
  SnapshotStore snapshots;
  std::unique_ptr<DataDirectory> directory;
  std::unique_ptr<Joiner> joiner;
  std::unique_ptr<EventLog> log;
  std::unique_ptr<RequestMemory> memory;
  std::unique_ptr<Sweeper> sweeper;
  std::unique_ptr<Trainer> trainer;
  DeferredControl control;
  std::unique_ptr<Predictor> predictor;
  std::unique_ptr<Batcher> batcher;
  std::unique_ptr<EventIntake> intake;
  std::unique_ptr<PredictionService> prediction;
  std::unique_ptr<TrainingService> training;
  std::unique_ptr<StatusReport> status_report;
  std::unique_ptr<ModelService> model_service;
  std::unique_ptr<HttpEndpoint> http;
  std::unique_ptr<GrpcServer> grpc;

  // Health, from whoever learns of it. What can be predicted goes on; training cannot without the log.
  void TellServing(bool serving_now);
  void LogBroke();
  void UpdateHealth() ABSL_EXCLUSIVE_LOCKS_REQUIRED(health_mu);

  absl::Status OpenState();
  absl::Status BuildServing();
  void BuildServices();
  absl::Status Listen();
  absl::StatusOr<v1::BackupResponse> Backup(const std::string& to) const;
  std::vector<std::pair<std::string, std::string>> StatusPage() const;
};

void Server::Parts::UpdateHealth() {
  if (health == nullptr) return;
  health->SetServing(serving);
  if (log_broken) health->SetTrainingServing(false);
}

void Server::Parts::TellServing(bool serving_now) {
  MutexLock lock(&health_mu);
  serving = serving_now;
  health = grpc.get();
  UpdateHealth();
}

void Server::Parts::LogBroke() {
  MutexLock lock(&health_mu);
  log_broken = true;
  UpdateHealth();
}

absl::Status Server::Parts::OpenState() {
  std::unique_ptr<Learner> warm;
  if (!settings.warm_start.empty()) {
    absl::StatusOr<std::unique_ptr<Learner>> loaded =
        LoadWarmStart(settings.warm_start, settings.data_dir, model.learner);
    if (!loaded.ok()) return loaded.status();
    warm = *std::move(loaded);
  }
  absl::StatusOr<std::unique_ptr<DataDirectory>> opened = DataDirectory::Open(settings.data_dir, settings.hash_key);
  if (!opened.ok()) return opened.status();
  directory = *std::move(opened);
  JoinerOptions joiner_options;
  joiner_options.spec = settings.model;
  joiner_options.label_wait = absl::Seconds(settings.config.label_wait_seconds());
  joiner_options.max_remembered_bytes = settings.config.max_remembered_bytes();
  joiner = std::make_unique<Joiner>(std::move(joiner_options), metrics, clock);
  EventLogOptions options;
  options.env = model.log_disk;
  options.joiner = joiner.get();
  options.directory = directory->log();
  options.model_fingerprint = settings.model->fingerprint();
  options.retention_bytes = settings.config.log_retention_bytes();
  options.max_bytes = settings.config.log_max_bytes();
  options.reserve_bytes = settings.config.disk_reserve_bytes();
  options.on_broken = [this](const absl::Status&) { LogBroke(); };
  options.sync_interval = absl::Milliseconds(settings.config.log_sync_interval_ms());
  absl::StatusOr<std::unique_ptr<EventLog>> opened_log = EventLog::Open(std::move(options));
  if (!opened_log.ok()) return opened_log.status();
  log = *std::move(opened_log);
  memory = std::make_unique<RequestMemory>(*log, *joiner, metrics);
  sweeper = std::make_unique<Sweeper>(*log, *joiner);
  metrics.LogEndOffset(log->end_offset());
  return warm == nullptr ? absl::OkStatus() : SaveWarmStart(settings.warm_start, *warm, *directory, *log);
}

absl::Status Server::Parts::BuildServing() {
  absl::StatusOr<std::unique_ptr<Predictor>> built = model.predictor();
  if (!built.ok()) return built.status();
  predictor = *std::move(built);
  BatcherOptions options;
  options.threads = settings.config.predict_threads();
  options.max_batch_rows = settings.config.max_batch_rows();
  options.max_queue_rows = settings.config.max_queue_rows();
  options.max_queue_bytes = settings.config.max_queue_bytes();
  batcher = std::make_unique<Batcher>(options, *predictor, snapshots, metrics, clock);
  return absl::OkStatus();
}

void Server::Parts::BuildServices() {
  const v1::ServerConfig& config = settings.config;
  prediction =
      std::make_unique<PredictionService>(PredictOptions{settings.model, settings.hash_key, config.max_request_rows(),
                                                         config.max_stream_requests(), memory.get()},
                                          *batcher, metrics);
  intake = std::make_unique<EventIntake>(
      EventIntakeOptions{settings.model, settings.hash_key, config.max_batch_events(), config.log_max_pending_bytes()},
      *log, control, metrics);
  training = std::make_unique<TrainingService>(*intake, control);
  status_report = std::make_unique<StatusReport>(
      StatusReportOptions{settings.model, model.device, [this] { return serving.load(); }, started}, *log, control,
      snapshots, metrics);
  model_service =
      std::make_unique<ModelService>(*status_report, control, [this](const std::string& to) { return Backup(to); });
}

absl::Status Server::Parts::Listen() {
  HttpEndpointOptions http_options;
  http_options.listen = settings.config.metrics_listen();
  http_options.metrics = [this] {
    const LogDisk disk = log->disk();
    metrics.LogDisk(disk.bytes, absl::IsResourceExhausted(disk.trouble), disk.broken);
    return metrics.Text();
  };
  http_options.status = [this] { return StatusPage(); };
  http_options.serving = [this] { return serving.load(); };
  absl::StatusOr<std::unique_ptr<HttpEndpoint>> started_http = HttpEndpoint::Start(std::move(http_options));
  if (!started_http.ok()) return started_http.status();
  http = *std::move(started_http);

  GrpcServerOptions grpc_options;
  grpc_options.listen = settings.config.listen();
  grpc_options.max_message_bytes = settings.config.max_message_bytes();
  absl::StatusOr<std::unique_ptr<GrpcServer>> started_grpc =
      GrpcServer::Start(grpc_options, {prediction.get(), training.get(), model_service.get()});
  if (!started_grpc.ok()) return started_grpc.status();
  grpc = *std::move(started_grpc);
  return absl::OkStatus();
}

absl::StatusOr<v1::BackupResponse> Server::Parts::Backup(const std::string& to) const {
  const absl::StatusOr<BackupReport> report = BackUp(*directory, *log, to);
  if (!report.ok()) return report.status();
  LogInfo(absl::StrCat("backup of ", report->bytes, " bytes in ", to));
  v1::BackupResponse response;
  response.set_directory(to);
  response.set_bytes(report->bytes);
  response.set_log_end_offset(report->log_end_offset);
  response.set_checkpoint_offset(report->checkpoint_offset);
  return response;
}

std::vector<std::pair<std::string, std::string>> Server::Parts::StatusPage() const {
  const std::shared_ptr<const Snapshot> snapshot = snapshots.Current();
  const LearningPositions positions = control.Positions();
  const absl::Status trainer_health = control.health();
  return {
      {"model", absl::StrCat(settings.model->file().name(), " (", settings.model->fingerprint_hex(), ")")},
      {"serving", serving ? "yes" : "no"},
      {"version", absl::StrCat(snapshot != nullptr ? snapshot->info().version : 0)},
      {"events accepted", absl::StrCat(log->rows_accepted())},
      {"events learned", absl::StrCat(positions.rows_learned)},
      {"trainer", !trainer_health.ok() ? std::string(trainer_health.message())
                  : control.paused()   ? "paused"
                                       : "well"},
      {"log", log->disk().trouble.ok() ? "well" : std::string(log->disk().trouble.message())},
      {"device", model.device},
      {"uptime",
       absl::FormatDuration(std::max(absl::Trunc(absl::Now() - started, absl::Seconds(1)), absl::ZeroDuration()))},
  };
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerSettings& settings, ServerModel model) {
  auto parts = std::make_unique<Parts>(settings, std::move(model));
  if (absl::Status status = parts->OpenState(); !status.ok()) return status;
  if (absl::Status status = parts->BuildServing(); !status.ok()) return status;
  parts->BuildServices();
  if (absl::Status status = parts->Listen(); !status.ok()) return status;
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

absl::Status Server::Serve() {
  Parts& p = *parts_;
  const TrainerOptions options =
      MakeTrainerOptions(p.settings.model->file().learning(), p.settings.config, p.settings.data_dir);
  absl::StatusOr<LoadedLearner> learner =
      RecoverLearner(options.checkpoint_directory, RecoveryFunctions(p.model.learner, *p.directory), p.metrics);
  if (!learner.ok()) return learner.status();
  absl::StatusOr<std::unique_ptr<Trainer>> trainer =
      Trainer::Start(TrainerParts{p.settings.model, p.log.get(), &p.snapshots, &p.metrics, &p.clock, &p.steady_clock},
                     *std::move(learner), options);
  if (!trainer.ok()) return trainer.status();
  p.trainer = *std::move(trainer);
  p.control.Set(p.trainer.get());
  p.TellServing(true);
  return absl::OkStatus();
}

void Server::Stop() {
  Parts& p = *parts_;
  if (std::exchange(p.stopped, true)) return;
  const absl::Time deadline = absl::Now() + absl::Seconds(p.settings.config.stop_grace_seconds());
  p.TellServing(false);
  p.training->Stop();
  p.prediction->Stop();
  p.model_service->Stop();
  p.prediction->Drain(deadline);
  p.grpc->Stop(std::max(deadline - absl::Now(), absl::ZeroDuration()));
  p.batcher->Stop();
  p.memory->Drain();  // Nothing is scored any more; what waits to be remembered may still be answered.
  if (p.trainer != nullptr) p.trainer->Stop();
}

absl::Status Server::saved() const { return parts_->trainer != nullptr ? parts_->trainer->saved() : absl::OkStatus(); }

Server::~Server() {
  Stop();
  MutexLock lock(&parts_->health_mu);
  parts_->health = nullptr;  // The log may still break while it is closed.
}

const std::string& Server::address() const { return parts_->grpc->address(); }

const std::string& Server::metrics_address() const { return parts_->http->address(); }

uint64_t Server::version() const {
  const std::shared_ptr<const Snapshot> snapshot = parts_->snapshots.Current();
  return snapshot != nullptr ? snapshot->info().version : 0;
}

}  // namespace polyscene
