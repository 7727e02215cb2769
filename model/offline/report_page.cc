#include "model/offline/report_page.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/report/new_file.h"

namespace polyscene {
namespace {

void AddFiles(const std::string& use, const std::vector<std::string>& paths, HtmlReport& report) {
  for (const std::string& path : paths) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(path, error);
    report.files.push_back({use, path, error ? -1 : static_cast<int64_t>(bytes)});
  }
}

}  // namespace

HtmlReport NewReport(const TrainFlags& flags, const std::string& title, bool interrupted) {
  HtmlReport report;
  report.title = title;
  report.subtitle = absl::StrCat(interrupted ? "interrupted, " : "", "polyscene-train " POLYSCENE_VERSION ", ",
                                 absl::FormatTime("%Y-%m-%d %H:%M UTC", absl::Now(), absl::UTCTimeZone()));
  report.command = flags.command;
  AddFiles(flags.split ? "training and test rows" : "training rows", flags.train, report);
  if (!flags.from_log.empty()) AddFiles("event log", {flags.from_log}, report);
  AddFiles("test rows", flags.test, report);
  return report;
}

void AddRefused(const RefusedRows& refused, HtmlReport& report) {
  report.refused_rows += refused.count();
  report.refused.insert(report.refused.end(), refused.told().begin(), refused.told().end());
}

absl::Status WriteReport(const TrainFlags& flags, const HtmlReport& report) {
  absl::Status status = WriteNewFile(flags.report, RenderReport(report), /*replace=*/false);
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat("--report: ", status.message()));
}

}  // namespace polyscene
