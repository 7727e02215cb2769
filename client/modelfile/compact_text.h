// Messages as one line of protobuf text, the way the model files are written by hand.
#pragma once

#include <string>

#include "google/protobuf/message.h"

namespace polyscene {

// `name: "price" side: CONTEXT encode { numeric {} } tasks: ["a", "b"]`: fields in the order of the schema, lists in
// brackets, repeated messages one after the other. Unset fields are left out.
std::string CompactText(const google::protobuf::Message& message);

}  // namespace polyscene
