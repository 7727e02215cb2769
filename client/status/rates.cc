#include "client/status/rates.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_format.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

const v1::SceneTraffic* FindScene(const v1::GetStatusResponse& status, const std::string& scene) {
  const auto found = std::find_if(status.traffic().begin(), status.traffic().end(),
                                  [&](const v1::SceneTraffic& traffic) { return traffic.scene() == scene; });
  return found == status.traffic().end() ? nullptr : &*found;
}

// Counts of one process only grow.
bool SameProcess(const v1::GetStatusResponse& older, const v1::GetStatusResponse& newer) {
  if (newer.uptime_seconds() <= older.uptime_seconds() || newer.events_accepted() < older.events_accepted() ||
      newer.events_learned() < older.events_learned() || newer.events_rejected() < older.events_rejected()) {
    return false;
  }
  return std::all_of(newer.traffic().begin(), newer.traffic().end(), [&](const v1::SceneTraffic& now) {
    const v1::SceneTraffic* const before = FindScene(older, now.scene());
    return before == nullptr ||
           (now.requests() >= before->requests() && now.errors() >= before->errors() && now.rows() >= before->rows());
  });
}

Json QuantileJson(const QuantileValue& quantile) { return JsonNumber(quantile.value); }

}  // namespace

StatusRates RatesBetween(const v1::GetStatusResponse& older, const v1::GetStatusResponse& newer) {
  StatusRates rates;
  if (!SameProcess(older, newer)) return rates;
  rates.known = true;
  rates.seconds = newer.uptime_seconds() - older.uptime_seconds();
  const auto rate = [&](uint64_t now, uint64_t before) { return static_cast<double>(now - before) / rates.seconds; };
  rates.events_accepted = rate(newer.events_accepted(), older.events_accepted());
  rates.events_rejected = rate(newer.events_rejected(), older.events_rejected());
  rates.events_learned = rate(newer.events_learned(), older.events_learned());
  const v1::Histogram freshness = HistogramSince(newer.freshness_seconds(), older.freshness_seconds());
  rates.freshness_p50_seconds = HistogramQuantile(freshness, 0.5);
  rates.freshness_p99_seconds = HistogramQuantile(freshness, 0.99);
  v1::Histogram all_took;
  rates.all.scene = "*";
  for (const v1::SceneTraffic& now : newer.traffic()) {
    const v1::SceneTraffic* const before = FindScene(older, now.scene());
    const v1::SceneTraffic& from = before != nullptr ? *before : v1::SceneTraffic::default_instance();
    const v1::Histogram took = HistogramSince(now.predict_seconds(), from.predict_seconds());
    rates.scenes.push_back({now.scene(), rate(now.requests(), from.requests()), rate(now.errors(), from.errors()),
                            rate(now.rows(), from.rows()), HistogramQuantile(took, 0.5),
                            HistogramQuantile(took, 0.99)});
    rates.all.requests += rates.scenes.back().requests;
    rates.all.errors += rates.scenes.back().errors;
    rates.all.rows += rates.scenes.back().rows;
    AddHistogram(took, all_took);
  }
  rates.all.p50_seconds = HistogramQuantile(all_took, 0.5);
  rates.all.p99_seconds = HistogramQuantile(all_took, 0.99);
  return rates;
}

Json RatesJson(const StatusRates& rates) {
  if (!rates.known) return nullptr;
  Json json;
  json["seconds"] = JsonNumber(rates.seconds);
  json["events_accepted"] = JsonNumber(rates.events_accepted);
  json["events_rejected"] = JsonNumber(rates.events_rejected);
  json["events_learned"] = JsonNumber(rates.events_learned);
  json["freshness_p50_seconds"] = QuantileJson(rates.freshness_p50_seconds);
  json["freshness_p99_seconds"] = QuantileJson(rates.freshness_p99_seconds);
  json["scenes"] = Json::array();
  for (const SceneRates& scene : rates.scenes) {
    json["scenes"].push_back({{"scene", scene.scene},
                              {"requests", JsonNumber(scene.requests)},
                              {"errors", JsonNumber(scene.errors)},
                              {"rows", JsonNumber(scene.rows)},
                              {"p50_seconds", QuantileJson(scene.p50_seconds)},
                              {"p99_seconds", QuantileJson(scene.p99_seconds)}});
  }
  return json;
}

uint64_t Backlog(const v1::GetStatusResponse& status) {
  return status.log_end_offset() > status.learned_offset() ? status.log_end_offset() - status.learned_offset() : 0;
}

double CatchUpSeconds(const v1::GetStatusResponse& status, const StatusRates& rates) {
  const uint64_t backlog = Backlog(status);
  if (backlog == 0) return 0;
  const double shrinks = rates.known ? rates.events_learned - rates.events_accepted : 0;
  return shrinks > 0 ? static_cast<double>(backlog) / shrinks : std::numeric_limits<double>::infinity();
}

std::string ReadableRate(double per_second) {
  if (!std::isfinite(per_second)) return "-";
  if (per_second < 99.95) return absl::StrFormat("%.1f", per_second);
  return WithThousands(std::llround(per_second));
}

}  // namespace polyscene::cli
