// Flags and server.textproto, merged and checked: everything about how the process runs.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/feature/hash_key.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/server.pb.h"

namespace polyscene {

// --dump_log: prints the log of a data directory instead of serving. See server/eventlog/log_dump.h.
struct DumpSettings {
  std::string data_dir;
  uint64_t from = 0;   // Offset.
  uint64_t count = 0;  // Of records.
};

struct ServerSettings {
  std::optional<DumpSettings> dump_log;  // Then nothing else is filled in.
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
// --warm_start DIR --insecure --help; or --dump_log DIR --from N --count M, and none of the others.
//   kInvalidArgument  used wrongly, or mistakes in a file; the message lists all of them with file, line and column
//   kNotFound, kPermissionDenied  a file cannot be read
//   kCancelled        --help or --version: the message is the text to print
absl::StatusOr<ServerSettings> ReadSettings(int argc, const char* const* argv);

// Checks a configuration file's text and fills in defaults. Mistakes as in ModelSpec::Parse().
absl::StatusOr<v1::ServerConfig> ParseServerConfig(absl::string_view text, absl::string_view path);

}  // namespace polyscene
