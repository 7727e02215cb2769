// What came of a replay.
#pragma once

#include <string>

#include "client/replay/replay_run.h"
#include "client/status/status_json.h"

namespace polyscene::replay {

// The feed's JSON (rows are rows of labels) and, beside its `evaluation`, `served_evaluation`, `client_evaluation`,
// `served_difference` (null where they are not of the same rows), `requests` and what became of the rows.
Json ReplayJson(const ReplaySummary& summary);

// The same as people read it: counts and three tables.
std::string ReplayText(const ReplaySummary& summary);

}  // namespace polyscene::replay
