// What GetStatus and WatchStatus answer, put together from all who know a part of it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/model_service.pb.h"
#include "server/control/learning_control.h"
#include "server/eventlog/event_log.h"
#include "server/metrics/metrics.h"
#include "server/snapshot/snapshot_store.h"

namespace polyscene {

struct StatusReportOptions {
  std::shared_ptr<const ModelSpec> spec;
  std::string device;             // As it is told.
  std::function<bool()> serving;  // Whether Predict is to be called now.
  absl::Time started;
};

// Any thread may call it; it waits for nobody but short locks. The collaborators outlive it.
class StatusReport {
 public:
  StatusReport(StatusReportOptions options, const EventLog& log, const LearningControl& control,
               const SnapshotStore& snapshots, const Metrics& metrics);

  // Everything as it is now, into the empty `status`. evaluation_of: a producer, or empty for the recent window.
  //   kNotFound  the producer has no evaluation
  absl::Status Fill(const std::string& evaluation_of, v1::GetStatusResponse* status) const;

  const ModelSpec& spec() const { return *options_.spec; }

 private:
  void FillLearning(v1::GetStatusResponse* status) const;
  void FillTraffic(v1::GetStatusResponse* status) const;

  const StatusReportOptions options_;
  const EventLog& log_;
  const LearningControl& control_;
  const SnapshotStore& snapshots_;
  const Metrics& metrics_;
};

}  // namespace polyscene
