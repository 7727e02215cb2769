// What a watcher of one server knows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/status/rates.h"
#include "client/status/sparkline.h"
#include "model/evaluation/evaluation.h"
#include "polyscene/v1/model_service.pb.h"

namespace polyscene::cli {

// Of each scene and task the one figure that tells most: auc, else accuracy, else r2. Scene "*" first, and only beside
// more than one scene.
std::vector<EvaluationFigure> MainFigures(const v1::GetStatusResponse& status);

// Fed by its owner, drawn by RenderWatch(). Not thread-safe.
class WatchState {
 public:
  explicit WatchState(std::string server) : server_(std::move(server)) {}

  void Answered(v1::GetStatusResponse status, absl::Time now);
  void Lost(const absl::Status& why, absl::Time now);  // May be told again and again.

  const std::string& server() const { return server_; }
  const std::optional<v1::GetStatusResponse>& status() const { return status_; }  // The last answer.
  const StatusRates& rates() const { return rates_; }                             // Between it and the one before.
  absl::Time answered_at() const { return answered_at_; }

  bool lost() const { return !trouble_.ok(); }
  const absl::Status& trouble() const { return trouble_; }  // Why it is lost.
  absl::Time lost_since() const { return lost_since_; }

  // The values of a main figure since the watch began.
  std::vector<double> HistoryOf(const EvaluationFigure& figure) const;

 private:
  const std::string server_;
  std::optional<v1::GetStatusResponse> status_;
  StatusRates rates_;
  absl::Time answered_at_;
  absl::Status trouble_;
  absl::Time lost_since_;
  std::map<std::pair<std::string, std::string>, History> histories_;  // By scene and task.
};

}  // namespace polyscene::cli
