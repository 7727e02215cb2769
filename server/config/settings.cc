#include "server/config/settings.h"

#include <limits>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "model/spec/mistakes.h"
#include "model/spec/names.h"
#include "model/spec/text_file.h"
#include "server/config/address.h"
#include "server/config/server_config.h"

namespace polyscene {
namespace {

// The command line as it was given; empty: not given.
struct Flags {
  std::string model;
  std::string data_dir;
  std::string listen;
  std::string metrics_listen;
  std::string device;
  std::string config;
  std::string hash_key;
  std::string warm_start;
  std::string dump_log;
  uint64_t from = 0;
  uint64_t count = std::numeric_limits<uint64_t>::max();
  bool insecure = false;
  bool version = false;
};

// Everything that is wrong so far. What the caller can do about it decides the code: the first one that is not a
// mistake in what was written (a file that cannot be read) names it.
class Findings {
 public:
  void Add(const absl::Status& status) {
    if (status.ok()) return;
    messages_.push_back(std::string(status.message()));
    if (code_ == absl::StatusCode::kOk || code_ == absl::StatusCode::kInvalidArgument) code_ = status.code();
  }
  void Add(std::string what) { Add(absl::InvalidArgumentError(what)); }
  absl::Status ToStatus() const { return absl::Status(code_, absl::StrJoin(messages_, "\n")); }

 private:
  absl::StatusCode code_ = absl::StatusCode::kOk;
  std::vector<std::string> messages_;
};

void DeclareFlags(CLI::App& app, Flags& flags) {
  app.add_option("--model", flags.model, "The model file: what is learned and how (required)")->type_name("FILE");
  app.add_option("--data_dir", flags.data_dir,
                 "Where events and checkpoints are kept; made if it is not there (required)")
      ->type_name("DIR");
  app.add_option("--listen", flags.listen, "gRPC address; port 0 takes a free one [127.0.0.1:50051]")
      ->type_name("HOST:PORT");
  app.add_option("--metrics_listen", flags.metrics_listen, "Address of /metrics [127.0.0.1:9464]")
      ->type_name("HOST:PORT");
  app.add_option("--device", flags.device, "auto, cpu or cuda:N [auto: the first GPU, else the CPU]")
      ->type_name("DEVICE");
  app.add_option("--config", flags.config, "How the process runs (proto/polyscene/v1/server.proto); flags win over it")
      ->type_name("FILE");
  app.add_option("--hash_key", flags.hash_key,
                 "Key of the hash that replaces strings and personal ids: 32 hexadecimal digits")
      ->type_name("FILE");
  app.add_option("--warm_start", flags.warm_start,
                 "A checkpoint to begin with, where data_dir has nothing yet; later starts leave it out")
      ->type_name("DIR");
  app.add_flag("--insecure", flags.insecure,
               "Listen beyond this machine though nothing is encrypted and nobody is asked who they are");
  app.add_flag("--version", flags.version, "Print the version");
  const std::string instead = "Instead of serving";
  app.add_option("--dump_log", flags.dump_log, "Print the event log of data directory DIR, a JSON object a record")
      ->type_name("DIR")
      ->group(instead);
  app.add_option("--from", flags.from, "From this offset on [0]")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber)
      ->group(instead);
  app.add_option("--count", flags.count, "So many records [all]")
      ->type_name("M")
      ->check(CLI::NonNegativeNumber)
      ->group(instead);
  app.footer("Example:\n  polyscene-server --model deploy/models/eshop.textproto --data_dir /tmp/polyscene");
  app.allow_extras();  // Told by us: all of them, beside every other mistake.
}

void FindUnknownFlags(const CLI::App& app, Findings& findings) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) known.push_back(absl::StrCat("--", option->get_lnames().front()));
  bool after_flag = false;  // What stands there may be the unknown flag's value.
  for (const std::string& extra : app.remaining()) {
    const bool flag = extra.rfind("-", 0) == 0;
    if (flag) {
      findings.Add(absl::StrCat("there is no flag ", extra, ExpectedName(extra.substr(0, extra.find('=')), known)));
    } else if (!after_flag) {
      findings.Add(absl::StrCat("got '", extra, "', expected flags only (--help lists them)"));
    }
    after_flag = flag;
  }
}

// The configuration file's mistakes, told; what could be read of it comes back, without defaults.
v1::ServerConfig ReadConfigFile(const std::string& path, Findings& findings) {
  v1::ServerConfig config;
  if (path.empty()) return config;
  const absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) {
    findings.Add(text.status());
    return config;
  }
  Mistakes mistakes;
  const TextFile file = ParseTextFile(*text, config, mistakes);
  if (file.readable) CheckServerConfig(config, file.place(), mistakes);
  findings.Add(mistakes.ToStatus(path));
  return config;
}

// Flags win over the file. Their mistakes are told by their own names.
void ApplyFlags(const Flags& flags, v1::ServerConfig& config, Findings& findings) {
  v1::ServerConfig given;
  given.set_listen(flags.listen);
  given.set_metrics_listen(flags.metrics_listen);
  given.set_device(flags.device);
  Mistakes mistakes;
  CheckServerConfig(given, Place(), mistakes);
  const absl::Status status = mistakes.ToStatus("");
  for (const absl::string_view mistake : absl::StrSplit(status.message(), '\n', absl::SkipEmpty())) {
    findings.Add(absl::StrCat("--", mistake));
  }
  config.MergeFrom(given);  // Takes only what is not empty.
}

void CheckExposure(const std::string& listen, bool insecure, Findings& findings) {
  const absl::StatusOr<HostPort> address = ParseHostPort(listen);
  if (!address.ok() || address->IsLoopback() || insecure) return;
  findings.Add(absl::StrCat(
      "listen is '", listen,
      "', which other machines can reach, without encryption or a check of who calls; "
      "expected an address of this machine alone (127.0.0.1, ::1, localhost), or --insecure to accept that"));
}

}  // namespace

absl::StatusOr<ServerSettings> ReadSettings(int argc, const char* const* argv) {
  CLI::App app("Serves and learns one multi-scene multi-task model.", "polyscene-server");
  Flags flags;
  DeclareFlags(app, flags);
  Findings findings;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return absl::CancelledError(app.help());
  } catch (const CLI::ParseError& error) {
    findings.Add(error.what());  // A flag without its value. The rest was not read.
    return findings.ToStatus();
  }
  if (flags.version) return absl::CancelledError("polyscene-server " POLYSCENE_VERSION "\n");
  FindUnknownFlags(app, findings);
  if (app.count("--dump_log") > 0) {
    for (const CLI::Option* option : app.get_options()) {
      const bool belongs = option->get_group() == app.get_option("--dump_log")->get_group();
      if (option->count() > 0 && !belongs) {
        findings.Add(absl::StrCat("--", option->get_lnames().front(), " does not go with --dump_log"));
      }
    }
    if (absl::Status status = findings.ToStatus(); !status.ok()) return status;
    ServerSettings dump;
    dump.dump_log = DumpSettings{flags.dump_log, flags.from, flags.count};
    return dump;
  }
  for (const char* flag : {"--from", "--count"}) {
    if (app.count(flag) > 0) findings.Add(absl::StrCat(flag, " goes with --dump_log alone"));
  }
  if (flags.model.empty()) findings.Add("--model is missing, expected --model FILE");
  if (flags.data_dir.empty()) findings.Add("--data_dir is missing, expected --data_dir DIR");

  ServerSettings settings;
  settings.data_dir = flags.data_dir;
  settings.warm_start = flags.warm_start;
  settings.insecure = flags.insecure;
  settings.config = ReadConfigFile(flags.config, findings);
  ApplyFlags(flags, settings.config, findings);
  FillServerDefaults(settings.config);
  CheckExposure(settings.config.listen(), settings.insecure, findings);
  if (!flags.model.empty()) {
    absl::StatusOr<std::shared_ptr<const ModelSpec>> model = ModelSpec::Load(flags.model);
    findings.Add(model.status());
    if (model.ok()) settings.model = *std::move(model);
  }
  if (!flags.hash_key.empty()) {
    absl::StatusOr<HashKey> key = HashKey::Load(flags.hash_key);
    findings.Add(key.status());
    if (key.ok()) settings.hash_key = *std::move(key);
    settings.hash_key_given = true;
  }
  if (absl::Status status = findings.ToStatus(); !status.ok()) return status;
  return settings;
}

absl::StatusOr<v1::ServerConfig> ParseServerConfig(absl::string_view text, absl::string_view path) {
  Mistakes mistakes;
  v1::ServerConfig config;
  const TextFile file = ParseTextFile(text, config, mistakes);
  if (file.readable) CheckServerConfig(config, file.place(), mistakes);
  if (!mistakes.empty()) return mistakes.ToStatus(path);
  FillServerDefaults(config);
  return config;
}

}  // namespace polyscene
