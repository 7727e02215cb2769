#include "client/cli/json.h"

#include <cmath>
#include <iostream>

namespace polyscene::cli {

Json JsonNumber(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json EvaluationJson(const google::protobuf::RepeatedPtrField<v1::EvaluationFigure>& figures) {
  Json array = Json::array();
  for (const v1::EvaluationFigure& figure : figures) {
    array.push_back({{"scene", figure.scene()},
                     {"task", figure.task()},
                     {"metric", figure.metric()},
                     {"value", JsonNumber(figure.value())},
                     {"rows", figure.rows()}});
  }
  return array;
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
  json["evaluation"] = EvaluationJson(status.evaluation());
  return json;
}

void PrintJson(const Json& json) {
  // Bytes that are not UTF-8 (a server's message may quote them) are replaced instead of failing the command.
  std::cout << json.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

}  // namespace polyscene::cli
