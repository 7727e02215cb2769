// Rows that were accepted under another model file than the one that learns them.
#pragma once

#include "model/data/examples.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// Takes out of `examples`, which were valid for the model file they were accepted under, whatever means nothing to
// `spec`: columns of unknown features, or of another type or shape than theirs; labels and served scores of tasks that
// the scene does not have, of another width, or with a value that no label of the task may have. What is left can be
// encoded and learned; what is missing is missing. False: the scene is unknown, so nothing is left. Rows that were
// accepted under `spec` stay as they are.
bool FitExamples(const ModelSpec& spec, ExamplesView& examples);

}  // namespace polyscene
