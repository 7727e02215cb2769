// What a model file means, as a person and as a program would want it told.
#pragma once

#include <string>

#include "model/report/figure_json.h"
#include "model/spec/model_spec.h"

namespace polyscene {

std::string ModelText(const ModelSpec& spec);
Json ModelJson(const ModelSpec& spec);

}  // namespace polyscene
