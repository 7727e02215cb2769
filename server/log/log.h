// Tells the operator what happened: one line on standard error, with time and severity.
#pragma once

#include "absl/strings/string_view.h"

namespace polyscene {

// "2026-01-31T12:00:00.123Z INFO serving on 127.0.0.1:50051". Any thread; a line is written whole, newlines within
// `message` become spaces, so that one event is one line. Never fails: where standard error is closed, the line is
// lost.
void LogInfo(absl::string_view message);
void LogWarning(absl::string_view message);  // Something is wrong that the server can live with.
void LogError(absl::string_view message);    // Something needs an operator.

}  // namespace polyscene
