// The smallest model file that has one of everything a server meets: two scenes, two tasks, width 4.
#pragma once

#include <memory>

#include "model/spec/model_spec.h"

namespace polyscene {

// Scene "shop" (index 0) ranks candidates: context `user` (STRING, personal), candidates `item` (INT64, required),
// `price` (FLOAT), `tags` (a sequence of STRING); tasks `click` (binary) and `spend` (regression); ranked by click x
// spend. Scene "churn" (index 1) scores context rows: `user` (STRING, personal), `visits` (FLOAT, required); task
// `click`.
const char* TinyModelText();
std::shared_ptr<const ModelSpec> TinyModel();

// The same with another embedding width: another model, as its fingerprint tells.
std::shared_ptr<const ModelSpec> AnotherTinyModel();

}  // namespace polyscene
