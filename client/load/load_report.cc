#include "client/load/load_report.h"

#include <cmath>
#include <functional>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/report/text_table.h"

namespace polyscene::load {
namespace {

constexpr double kMostSendLagSeconds = 1e-3;
constexpr double kMostSendLagShare = 0.1;  // Of the latency.
constexpr double kMostBusy = 0.9;

struct Quantile {
  const char* title;
  const char* key;
  double q;
};
constexpr Quantile kQuantiles[] = {{"p50", "p50_seconds", 0.5},
                                   {"p90", "p90_seconds", 0.9},
                                   {"p99", "p99_seconds", 0.99},
                                   {"p99.9", "p999_seconds", 0.999}};

double PerSecond(int64_t count, const LoadResult& result) {
  const double seconds = absl::ToDoubleSeconds(result.window);
  return seconds > 0 ? static_cast<double>(count) / seconds : std::numeric_limits<double>::quiet_NaN();
}

double Busy(absl::Duration time, const LoadResult& result) {
  return result.elapsed > absl::ZeroDuration() ? absl::FDivDuration(time, result.elapsed) : 0;
}

double MaxSeconds(const cli::LatencyHistogram& latency) {
  return latency.count() == 0 ? std::numeric_limits<double>::quiet_NaN() : absl::ToDoubleSeconds(latency.max());
}

std::string Milliseconds(double seconds) {
  if (!std::isfinite(seconds)) return "-";
  return absl::StrFormat(seconds < 0.01 ? "%.3f ms" : seconds < 1 ? "%.2f ms" : "%.0f ms", seconds * 1e3);
}

std::string Rate(double value) {
  if (!std::isfinite(value)) return "-";
  return value < 1000 ? absl::StrFormat("%.1f", value) : WithThousands(std::llround(value));
}

std::string Whole(double value) { return std::isfinite(value) ? WithThousands(std::llround(value)) : "-"; }

std::string Versions(const std::set<uint64_t>& versions) {
  if (versions.empty()) return "-";
  if (versions.size() == 1) return absl::StrCat(*versions.begin());
  return absl::StrCat(*versions.begin(), " to ", *versions.rbegin());
}

// A column's cells in the order of LoadTable's figures.
std::vector<std::pair<std::string, std::string>> Cells(const LoadColumn& column, bool learning) {
  const Measured& measured = column.result.measured;
  std::vector<std::pair<std::string, std::string>> cells = {
      {"requests", WithThousands(measured.requests)},
      {"errors", WithThousands(measured.error_count())},
      {"answers/s", Rate(PerSecond(measured.answers_within, column.result))},
      {"rows/s", Whole(PerSecond(measured.rows_within, column.result))}};
  for (const Quantile& quantile : kQuantiles) {
    cells.emplace_back(quantile.title, Milliseconds(measured.latency.QuantileSeconds(quantile.q)));
  }
  cells.emplace_back("max", Milliseconds(MaxSeconds(measured.latency)));
  cells.emplace_back("mean", Milliseconds(measured.latency.MeanSeconds()));
  cells.emplace_back("versions", Versions(measured.versions));
  if (learning) {
    cells.emplace_back("events learned/s", column.events_per_second < 0 ? "-" : Whole(column.events_per_second));
  }
  if (column.options.rate > 0) {
    cells.emplace_back("send lag p99, max", absl::StrCat(Milliseconds(measured.send_lag.QuantileSeconds(0.99)), ", ",
                                                         Milliseconds(MaxSeconds(measured.send_lag))));
  }
  return cells;
}

}  // namespace

std::string GeneratorLimit(const LoadColumn& column) {
  const Measured& measured = column.result.measured;
  if (const auto late = measured.errors.find(kSentTooLate); late != measured.errors.end()) {
    return absl::StrCat("the load generator was the bottleneck: ", WithThousands(late->second.count),
                        " requests were not sent in time: asked for ", Rate(column.options.rate), " requests/s, sent ",
                        Rate(PerSecond(measured.sent, column.result)));
  }
  const double lag = measured.send_lag.QuantileSeconds(0.99);
  if (column.options.rate > 0 && lag > kMostSendLagSeconds &&
      lag > kMostSendLagShare * measured.latency.QuantileSeconds(0.99)) {
    return absl::StrCat("the load generator shows in these figures: one request in a hundred was sent ",
                        Milliseconds(lag), " late or more");
  }
  for (const auto& [name, time] :
       {std::pair("sends", column.result.sender_time), std::pair("receives", column.result.receiver_time)}) {
    if (Busy(time, column.result) < kMostBusy) continue;
    return absl::StrFormat("the load generator was the bottleneck: the thread that %s was busy for %.0f %% of the run",
                           name, 100 * Busy(time, column.result));
  }
  return "";
}

std::string LoadTable(const std::vector<LoadColumn>& columns) {
  std::vector<std::string> header = {""};
  bool learning = false;
  for (const LoadColumn& column : columns) {
    header.push_back(column.title);
    learning |= column.events_per_second >= 0;
  }
  std::vector<std::vector<std::string>> lines;
  for (const LoadColumn& column : columns) {
    size_t line = 0;
    for (auto& [name, value] : Cells(column, learning)) {
      if (line == lines.size()) lines.push_back({name});
      lines[line++].push_back(value);
    }
  }
  TextTable table(std::move(header));
  for (std::vector<std::string>& line : lines) table.AddRow(std::move(line));

  std::string text = table.Render();
  for (const LoadColumn& column : columns) {
    for (const auto& [code, error] : column.result.measured.errors) {
      absl::StrAppend(&text, column.title, ": ", WithThousands(error.count), " ", code,
                      error.message.empty() ? "" : ": ", error.message, "\n");
    }
    if (const std::string limit = GeneratorLimit(column); !limit.empty()) {
      absl::StrAppend(&text, column.title, ": ", limit, "\n");
    }
  }
  return text;
}

Json LoadJson(const LoadColumn& column) {
  const LoadResult& result = column.result;
  const Measured& measured = result.measured;
  Json json;
  json["seconds"] = JsonNumber(absl::ToDoubleSeconds(result.window));
  json["asked_rate"] = column.options.rate > 0 ? JsonNumber(column.options.rate) : Json(nullptr);
  json["concurrency"] = column.options.rate > 0 ? Json(nullptr) : Json(column.options.concurrency);
  json["requests"] = measured.requests;
  json["sent"] = measured.sent;
  json["errors"] = measured.error_count();
  json["errors_by_code"] = Json::object();
  for (const auto& [code, error] : measured.errors) json["errors_by_code"][code] = error.count;
  json["rate"] = JsonNumber(PerSecond(measured.answers_within, result));
  json["rows_per_second"] = JsonNumber(PerSecond(measured.rows_within, result));
  for (const Quantile& quantile : kQuantiles) {
    json[quantile.key] = JsonNumber(measured.latency.QuantileSeconds(quantile.q));
  }
  json["max_seconds"] = JsonNumber(MaxSeconds(measured.latency));
  json["mean_seconds"] = JsonNumber(measured.latency.MeanSeconds());
  json["first_version"] = measured.versions.empty() ? Json(nullptr) : Json(*measured.versions.begin());
  json["last_version"] = measured.versions.empty() ? Json(nullptr) : Json(*measured.versions.rbegin());
  json["versions"] = measured.versions.size();
  if (column.events_per_second >= 0) json["events_per_second"] = JsonNumber(column.events_per_second);
  json["send_lag_p99_seconds"] = JsonNumber(measured.send_lag.QuantileSeconds(0.99));
  json["send_lag_max_seconds"] = JsonNumber(MaxSeconds(measured.send_lag));
  json["sender_busy"] = JsonNumber(Busy(result.sender_time, result));
  json["receiver_busy"] = JsonNumber(Busy(result.receiver_time, result));
  json["generator_limited"] = !GeneratorLimit(column).empty();
  json["interrupted"] = result.interrupted;
  return json;
}

}  // namespace polyscene::load
