// Configuration files: protobuf text of which every mistake is told at once.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "model/spec/mistakes.h"

namespace polyscene {

// A parsed configuration and where its parts stand, so that checks of meaning can point at them. Keep it while Places
// made from place() are used.
struct TextFile {
  TextNode root;
  bool readable = false;  // False after broken syntax: the message is empty and there is nothing to check.

  Place place() const { return Place(root); }
};

// Parses `text` into `message`, which is cleared first. What does not fit the schema goes to `mistakes` and is left out
// of `message`; the rest is there to be checked.
TextFile ParseTextFile(absl::string_view text, google::protobuf::Message& message, Mistakes& mistakes);

// A file's bytes. kNotFound, kPermissionDenied and the like name the path; kInvalidArgument: larger than 16 MiB, so no
// configuration.
absl::StatusOr<std::string> ReadTextFile(const std::string& path);

}  // namespace polyscene
