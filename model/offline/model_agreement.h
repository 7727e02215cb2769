// Whether model files can be compared on the same data files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/spec/model_spec.h"

namespace polyscene {

struct NamedModel {
  std::string path;
  std::shared_ptr<const ModelSpec> spec;
};

// Where two model files read one column in two ways or choose other rows, so that their figures would tell of different
// things: the columns of scene, event time, request and weight; scenes that but one has; a feature's column or type; a
// task's columns, kind, range or scale. A line each, naming both sides.
std::vector<std::string> Disagreements(const NamedModel& a, const NamedModel& b);

// What but one of them reads: "feature 'age': B.textproto does not read it", "scene 'search' has no task 'click' in
// ...". A comparison may be about just that.
std::vector<std::string> Omissions(const NamedModel& a, const NamedModel& b);

}  // namespace polyscene
