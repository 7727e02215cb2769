// polyscene-train --report: the page of a run, or of a comparison.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "model/offline/refused_rows.h"
#include "model/offline/train_flags.h"
#include "model/report/html_report.h"

namespace polyscene {

// A page with what every run has: when, the command, its data files with their sizes.
HtmlReport NewReport(const TrainFlags& flags, const std::string& title, bool interrupted);

void AddRefused(const RefusedRows& refused, HtmlReport& report);

// Where there is nothing yet, as all files that the program writes. ExpectNewFile()'s and WriteNewFile()'s errors.
absl::Status WriteReport(const TrainFlags& flags, const HtmlReport& report);

}  // namespace polyscene
