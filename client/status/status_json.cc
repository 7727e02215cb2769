#include "client/status/status_json.h"

namespace polyscene::cli {
namespace {

Json HistogramJson(const v1::Histogram& histogram) {
  Json json;
  json["upper_bounds"] = Json::array();
  for (const double bound : histogram.upper_bounds()) json["upper_bounds"].push_back(JsonNumber(bound));
  json["counts"] = Json::array();
  for (const uint64_t count : histogram.counts()) json["counts"].push_back(count);
  json["sum"] = JsonNumber(histogram.sum());
  return json;
}

Json PairJson(const v1::GradientPair& pair) {
  return {{"first", pair.first()}, {"second", pair.second()}, {"cosine", JsonNumber(pair.cosine())}};
}

}  // namespace

std::vector<EvaluationFigure> FiguresOf(const google::protobuf::RepeatedPtrField<v1::EvaluationFigure>& figures) {
  std::vector<EvaluationFigure> all;
  all.reserve(figures.size());
  for (const v1::EvaluationFigure& figure : figures) {
    all.push_back({figure.scene(), figure.task(), figure.metric(), figure.value(), figure.rows()});
  }
  return all;
}

Json StatusJson(const v1::GetStatusResponse& status) {
  Json json;
  json["version"] = status.model().version();
  json["rows_learned"] = status.model().rows_learned();
  json["weight_age_seconds"] = JsonNumber(status.model().weight_age_seconds());
  json["learned_up_to_micros"] = status.model().learned_up_to_micros();
  json["fingerprint"] = status.fingerprint();
  json["device"] = status.device();
  json["events_accepted"] = status.events_accepted();
  json["events_learned"] = status.events_learned();
  json["events_rejected"] = status.events_rejected();
  json["log_end_offset"] = status.log_end_offset();
  json["learned_offset"] = status.learned_offset();
  json["served_offset"] = status.served_offset();
  json["checkpoint_offset"] = status.checkpoint_offset();
  json["step"] = status.step();
  json["serving"] = status.serving();
  json["uptime_seconds"] = JsonNumber(status.uptime_seconds());
  json["memory_resident_bytes"] = status.memory_resident_bytes();
  json["learning_paused"] = status.learning_paused();
  json["trainer_share"] = JsonNumber(status.trainer_share());
  json["trainer_error"] = status.trainer_error();
  json["queue_rows"] = status.queue_rows();
  json["traffic"] = Json::array();
  for (const v1::SceneTraffic& scene : status.traffic()) {
    json["traffic"].push_back({{"scene", scene.scene()},
                               {"requests", scene.requests()},
                               {"errors", scene.errors()},
                               {"rows", scene.rows()},
                               {"predict_seconds", HistogramJson(scene.predict_seconds())}});
  }
  json["freshness_seconds"] = HistogramJson(status.freshness_seconds());
  json["tables"] = Json::array();
  for (const v1::TableStatus& table : status.tables()) {
    json["tables"].push_back({{"table", table.table()},
                              {"rows", table.rows()},
                              {"waiting_ids", table.waiting_ids()},
                              {"expired_rows", table.expired_rows()},
                              {"evicted_rows", table.evicted_rows()}});
  }
  json["evaluation"] = FiguresJson(FiguresOf(status.evaluation()));
  json["fading_evaluation"] = FiguresJson(FiguresOf(status.fading_evaluation()));
  json["served_evaluation"] = FiguresJson(FiguresOf(status.served_evaluation()));
  json["worst_tasks"] = status.has_worst_tasks() ? PairJson(status.worst_tasks()) : Json();
  json["worst_scenes"] = status.has_worst_scenes() ? PairJson(status.worst_scenes()) : Json();
  json["drift"] = Json::array();
  for (const v1::DriftStatus& drift : status.drift()) {
    json["drift"].push_back({{"scene", drift.scene()},
                             {"task", drift.task()},
                             {"level", JsonNumber(drift.level())},
                             {"alarms", drift.alarms()},
                             {"last_alarm_event_micros", drift.last_alarm_event_micros()}});
  }
  json["log_bytes"] = status.log_bytes();
  json["log_trouble"] = status.log_trouble();
  const v1::JoinerStatus& joiner = status.joiner();
  json["joiner"] = {
      {"remembered_requests", joiner.remembered_requests()}, {"remembered_bytes", joiner.remembered_bytes()},
      {"waiting_labels", joiner.waiting_labels()},           {"joined_rows", joiner.joined_rows()},
      {"repeated_labels", joiner.repeated_labels()},         {"corrected_labels", joiner.corrected_labels()},
      {"assumed_negatives", joiner.assumed_negatives()},     {"expired_labels", joiner.expired_labels()}};
  return json;
}

}  // namespace polyscene::cli
