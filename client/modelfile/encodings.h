// How a column enters the network.
#pragma once

#include <string>

#include "client/modelfile/column_profile.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene {

struct EncodedFeature {
  v1::Feature feature;  // Type, sequence, personal and encodings; name, side and column are the caller's.
  std::string reason;   // What the values are, and so why it enters like this.
};

// `dimension`: of its embedding, if it has one. A personal column that can be no id (a fraction) is not personal.
EncodedFeature EncodeColumn(const ColumnProfile& column, bool personal, int dimension);

// `x` with so many significant digits: what a person would write into a model file.
double Rounded(double x, int digits);

}  // namespace polyscene
