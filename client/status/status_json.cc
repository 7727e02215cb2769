#include "client/status/status_json.h"

namespace polyscene::cli {

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
  json["log_end_offset"] = status.log_end_offset();
  json["learned_offset"] = status.learned_offset();
  json["served_offset"] = status.served_offset();
  json["checkpoint_offset"] = status.checkpoint_offset();
  json["step"] = status.step();
  json["serving"] = status.serving();
  json["uptime_seconds"] = JsonNumber(status.uptime_seconds());
  json["memory_resident_bytes"] = status.memory_resident_bytes();
  json["trainer_error"] = status.trainer_error();
  json["tables"] = Json::array();
  for (const v1::TableStatus& table : status.tables()) {
    json["tables"].push_back({{"table", table.table()}, {"rows", table.rows()}});
  }
  json["evaluation"] = FiguresJson(FiguresOf(status.evaluation()));
  return json;
}

}  // namespace polyscene::cli
