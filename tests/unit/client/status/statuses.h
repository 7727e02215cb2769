// Answers of a server for tests.
#pragma once

#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "polyscene/v1/model_service.pb.h"

namespace polyscene::cli {

inline v1::GetStatusResponse StatusOf(const std::string& text) {
  v1::GetStatusResponse status;
  if (!google::protobuf::TextFormat::ParseFromString(text, &status)) std::abort();
  return status;
}

inline v1::Histogram HistogramOf(const std::vector<double>& bounds, const std::vector<uint64_t>& counts) {
  v1::Histogram histogram;
  histogram.mutable_upper_bounds()->Add(bounds.begin(), bounds.end());
  histogram.mutable_counts()->Add(counts.begin(), counts.end());
  return histogram;
}

// A shop with two scenes, and the same one two seconds later: 200 requests, 1,000 events in, 3,000 learned.
inline v1::GetStatusResponse EarlierShop() {
  return StatusOf(R"(
    model { version: 17 weight_age_seconds: 10 }
    fingerprint: "0123456789abcdef" device: "cpu" serving: true uptime_seconds: 60
    events_accepted: 50000 events_learned: 40000 log_end_offset: 50100 learned_offset: 40100
    memory_resident_bytes: 268435456
    traffic { scene: "search" requests: 1000 errors: 10 rows: 100000
              predict_seconds { upper_bounds: [0.001, 0.01, 0.1] counts: [500, 500, 0, 0] } }
    traffic { scene: "feed" requests: 0
              predict_seconds { upper_bounds: [0.001, 0.01, 0.1] counts: [0, 0, 0, 0] } }
    freshness_seconds { upper_bounds: [0.5, 1, 5] counts: [10, 0, 0, 0] }
    evaluation { scene: "search" task: "click" metric: "log_loss" value: 0.2 rows: 90 }
    evaluation { scene: "search" task: "click" metric: "auc" value: 0.6 rows: 90 }
    evaluation { scene: "feed" task: "spend" metric: "r2" value: 0.25 rows: 80 }
    evaluation { scene: "*" task: "click" metric: "auc" value: 0.5 rows: 90 }
  )");
}

inline v1::GetStatusResponse LaterShop() {
  return StatusOf(R"(
    model { version: 18 weight_age_seconds: 1.5 }
    fingerprint: "0123456789abcdef" device: "cpu" serving: true uptime_seconds: 62
    events_accepted: 51000 events_learned: 43000 events_rejected: 4 log_end_offset: 51100 learned_offset: 43100
    memory_resident_bytes: 268435456 queue_rows: 12
    traffic { scene: "search" requests: 1200 errors: 11 rows: 120000
              predict_seconds { upper_bounds: [0.001, 0.01, 0.1] counts: [600, 600, 0, 0] } }
    traffic { scene: "feed" requests: 0
              predict_seconds { upper_bounds: [0.001, 0.01, 0.1] counts: [0, 0, 0, 0] } }
    freshness_seconds { upper_bounds: [0.5, 1, 5] counts: [10, 100, 0, 0] }
    evaluation { scene: "search" task: "click" metric: "log_loss" value: 0.2 rows: 100 }
    evaluation { scene: "search" task: "click" metric: "auc" value: 0.7 rows: 100 }
    evaluation { scene: "feed" task: "spend" metric: "r2" value: nan rows: 85 }
    evaluation { scene: "*" task: "click" metric: "auc" value: 0.75 rows: 100 }
  )");
}

}  // namespace polyscene::cli
