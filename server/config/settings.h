// Flags and server.textproto, merged and checked: everything about how the process runs.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/feature/hash_key.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/server.pb.h"

namespace polyscene {

struct ServerSettings {
  std::shared_ptr<const ModelSpec> model;
  std::string data_dir;
  std::string warm_start;   // A checkpoint directory to begin with; empty: none.
  v1::ServerConfig config;  // Every key filled in: from a flag, else the file, else the default.
  HashKey hash_key;
  bool hash_key_given = false;
  bool insecure = false;
};

// The command line: --model FILE --data_dir DIR (both required) --listen --metrics_listen --device --config FILE
// --hash_key FILE
// --warm_start DIR --insecure --help.
//   kInvalidArgument  used wrongly, or mistakes in a file; the message lists all of them with file, line and column
//   kNotFound, kPermissionDenied  a file cannot be read
//   kCancelled        --help or --version: the message is the text to print
absl::StatusOr<ServerSettings> ReadSettings(int argc, const char* const* argv);

// Checks a configuration file's text and fills in defaults. Mistakes as in ModelSpec::Parse().
absl::StatusOr<v1::ServerConfig> ParseServerConfig(absl::string_view text, absl::string_view path);

}  // namespace polyscene
