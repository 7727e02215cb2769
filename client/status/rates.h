// What happened between two answers of one server.
#pragma once

#include <string>
#include <vector>

#include "client/status/histogram.h"
#include "model/report/figure_json.h"
#include "polyscene/v1/model_service.pb.h"

namespace polyscene::cli {

// Rates are a second, of the time that the server itself counted between its answers.
struct SceneRates {
  std::string scene;
  double requests = 0;  // Answered, errors included.
  double errors = 0;
  double rows = 0;
  QuantileValue p50_seconds, p99_seconds;  // NaN where there was no request.
};

struct StatusRates {
  bool known = false;  // False: there is nothing to compare with, see RatesBetween(); all else is empty.
  double seconds = 0;  // Between the answers.
  double events_accepted = 0;
  double events_rejected = 0;
  double events_learned = 0;
  QuantileValue freshness_p50_seconds, freshness_p99_seconds;  // NaN where nothing was published.
  std::vector<SceneRates> scenes;                              // In the newer answer's order.
  SceneRates all;                                              // Of all scenes together, "*".
};

// Not known where `older` is not an earlier answer of the same process (it was restarted in between).
StatusRates RatesBetween(const v1::GetStatusResponse& older, const v1::GetStatusResponse& newer);

// {"seconds": .., "events_accepted": .., ..}; null where they are not known.
Json RatesJson(const StatusRates& rates);

// Rows between the end of the log and what is learned.
uint64_t Backlog(const v1::GetStatusResponse& status);

// Seconds until the backlog is gone at these rates; 0: there is none; infinite: it does not shrink, or the rates are
// not known.
double CatchUpSeconds(const v1::GetStatusResponse& status, const StatusRates& rates);

// "0.4", "12.3", "12,345".
std::string ReadableRate(double per_second);

}  // namespace polyscene::cli
