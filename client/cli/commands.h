// The commands of `polyscene`: each adds itself to the command line and says what it does once every flag is read.
#pragma once

#include <functional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace polyscene::cli {

// Exit statuses of `polyscene`.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsedWrongly = 2;

// Flags that every command takes, before or after its own.
struct CommonFlags {
  std::string server = "127.0.0.1:50051";
  bool json = false;  // The result as one JSON object on standard output, and nothing else there.
};

// A command's work: returns the exit status.
using Work = std::function<int()>;

// Takes the work of the command that was asked for. Called while the command line is read, at most once; the work runs
// after.
using SetWork = std::function<void(Work)>;

// Each adds one command to `app`. `flags` outlives the work and is complete when it runs; `set_work` is copied.
void AddPredictCommand(CLI::App& app, const CommonFlags& flags, SetWork set_work);
void AddStreamCommand(CLI::App& app, const CommonFlags& flags, SetWork set_work);
void AddSimulateCommand(CLI::App& app, const CommonFlags& flags, SetWork set_work);
void AddBenchCommand(CLI::App& app, const CommonFlags& flags, SetWork set_work);
void AddModelCommand(CLI::App& app, const CommonFlags& flags, SetWork set_work);
void AddStatusCommand(CLI::App& app, const CommonFlags& flags, SetWork set_work);
void AddWatchCommand(CLI::App& app, const CommonFlags& flags, SetWork set_work);
void AddHealthCommand(CLI::App& app, const CommonFlags& flags, SetWork set_work);
void AddBackupCommand(CLI::App& app, const CommonFlags& flags, SetWork set_work);
void AddLearningCommands(CLI::App& app, const CommonFlags& flags, SetWork set_work);  // pause and resume.

// Print "polyscene: <what went wrong>" to standard error and return the exit status to give back.
int Fail(const absl::Status& status);            // kFailed
int UsedWrongly(absl::string_view explanation);  // kUsedWrongly

}  // namespace polyscene::cli
