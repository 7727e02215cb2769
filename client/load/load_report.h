// What a run measured, as people and programs read it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/load/load_run.h"
#include "model/report/figure_json.h"

namespace polyscene::load {

struct LoadColumn {
  std::string title;
  LoadOptions options;
  LoadResult result;
  double events_per_second = -1;  // Learned meanwhile; below 0: nothing was streamed.
};

// Where this program rather than the server decided the figures: why, in a sentence; empty where it did not. It did
// where requests were not sent for lack of time, where the send lag's p99 is above a millisecond and a tenth of the
// latency's, or where one of its two threads was busy for nine tenths of the run.
std::string GeneratorLimit(const LoadColumn& column);

// Figures down, runs side by side; then errors with their first message, and what limited the generator.
std::string LoadTable(const std::vector<LoadColumn>& columns);

// requests, errors, errors_by_code, rate (answers a second), rows_per_second, p50_seconds, ...; what is not known is
// null.
Json LoadJson(const LoadColumn& column);

}  // namespace polyscene::load
