#include "client/status/watch_state.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "client/status/status_json.h"

namespace polyscene::cli {
namespace {

constexpr const char* kMainMetrics[] = {"auc", "accuracy", "r2", "pinball"};  // Best first.

// How much a metric tells; the smaller the more. As many as there are: none of them.
size_t RankOf(const std::string& metric) {
  return std::find(std::begin(kMainMetrics), std::end(kMainMetrics), metric) - std::begin(kMainMetrics);
}

}  // namespace

std::vector<EvaluationFigure> MainFigures(const v1::GetStatusResponse& status) {
  std::vector<EvaluationFigure> all, single;
  std::set<std::string> scenes;
  for (EvaluationFigure& figure : FiguresOf(status.evaluation())) {
    if (RankOf(figure.metric) == std::size(kMainMetrics)) continue;
    if (figure.scene != "*") scenes.insert(figure.scene);
    std::vector<EvaluationFigure>& to = figure.scene == "*" ? all : single;
    const auto same = std::find_if(to.begin(), to.end(), [&](const EvaluationFigure& one) {
      return one.scene == figure.scene && one.task == figure.task;
    });
    if (same == to.end()) {
      to.push_back(std::move(figure));
    } else if (RankOf(figure.metric) < RankOf(same->metric)) {
      *same = std::move(figure);
    }
  }
  if (scenes.size() <= 1) return single;
  all.insert(all.end(), single.begin(), single.end());
  return all;
}

void WatchState::Answered(v1::GetStatusResponse status, absl::Time now) {
  const StatusRates before =
      std::exchange(rates_, status_.has_value() ? RatesBetween(*status_, status) : StatusRates());
  // Publishes may be rarer than answers: while there is something to learn, the last one's freshness stands.
  if (rates_.known && before.known && std::isnan(rates_.freshness_p50_seconds.value) &&
      (Backlog(status) > 0 || rates_.events_learned > 0)) {
    rates_.freshness_p50_seconds = before.freshness_p50_seconds;
    rates_.freshness_p99_seconds = before.freshness_p99_seconds;
  }
  for (const EvaluationFigure& figure : MainFigures(status)) {
    histories_[{figure.scene, figure.task}].Add(figure.value);
  }
  status_ = std::move(status);
  answered_at_ = now;
  trouble_ = absl::OkStatus();
}

void WatchState::Lost(const absl::Status& why, absl::Time now) {
  if (trouble_.ok()) lost_since_ = now;
  trouble_ = why.ok() ? absl::UnavailableError("the server ended the stream") : why;
}

std::vector<double> WatchState::HistoryOf(const EvaluationFigure& figure) const {
  const auto found = histories_.find({figure.scene, figure.task});
  return found == histories_.end() ? std::vector<double>() : found->second.Values();
}

}  // namespace polyscene::cli
