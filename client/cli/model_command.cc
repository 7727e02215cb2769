// `polyscene model`: model files, without a server.
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/modelfile/data_check.h"
#include "client/modelfile/model_init.h"
#include "client/modelfile/model_report.h"
#include "model/report/new_file.h"
#include "model/report/text_table.h"
#include "model/spec/model_spec.h"

namespace polyscene::cli {
namespace {

struct InitFlags {
  InitOptions options;
  std::string out;
  bool force = false;
};

int Init(const CommonFlags& common, const InitFlags& flags) {
  const absl::StatusOr<InitResult> result = InitModel(flags.options);
  if (!result.ok()) return Fail(result.status());
  if (!flags.out.empty()) {
    const absl::Status status = WriteNewFile(flags.out, result->written.text, flags.force);
    if (absl::IsAlreadyExists(status)) {
      return Fail(absl::AlreadyExistsError(absl::StrCat(status.message(), "; --force replaces it")));
    }
    if (!status.ok()) return Fail(status);
  }
  if (common.json) {
    Json json = GuessesJson(*result);
    json["out"] = flags.out.empty() ? Json(nullptr) : Json(flags.out);
    PrintJson(json);
    return kDone;
  }
  if (flags.out.empty()) std::cout << result->written.text << std::flush;
  std::cerr << GuessesText(*result, flags.out);
  if (!flags.out.empty()) {
    std::cerr << "\nWritten: " << flags.out << ". Next:\n  polyscene model check " << flags.out << " --data "
              << flags.options.events << "\n";
  }
  return kDone;
}

struct CheckFlags {
  std::string file;
  std::string data;
  int64_t rows = 200'000;
};

int Check(const CommonFlags& common, const CheckFlags& flags) {
  const auto spec = ModelSpec::Load(flags.file);
  if (!spec.ok()) return Fail(spec.status());
  Json json = ModelJson(**spec);
  if (!common.json) std::cout << ModelText(**spec) << std::flush;
  int64_t refused = 0;
  if (!flags.data.empty()) {
    const absl::StatusOr<DataCheck> check = CheckData(**spec, flags.data, flags.rows);
    if (!check.ok()) return Fail(check.status());
    refused = check->rows_refused();
    json["data"] = DataJson(**spec, *check, flags.data);
    if (!common.json) std::cout << "\n" << DataText(**spec, *check, flags.data) << std::flush;
  }
  if (common.json) PrintJson(json);
  if (refused == 0) return kDone;
  return Fail(absl::InvalidArgumentError(
      absl::StrCat(WithThousands(refused), refused == 1 ? " row" : " rows", " of ", flags.data, " would be refused")));
}

void AddInit(CLI::App& model, const CommonFlags& common, const SetWork& set_work) {
  CLI::App* command = model.add_subcommand("init", "Propose a model file for a CSV file, and say why");
  command->footer(
      "Every guess is told with its reason, and what could not be known with the lines to change. COLUMN flags "
      "repeat.\n"
      "Example:\n  polyscene simulate --rows 50000 --out shop.csv && polyscene model init shop.csv --out "
      "shop.textproto");
  auto flags = std::make_shared<InitFlags>();
  InitOptions& options = flags->options;
  command->add_option("FILE", options.events, "The events, CSV, plain or gzip; - for standard input")->required();
  command->add_option("--out", flags->out, "Write the model file here (default: standard output)");
  command->add_flag("--force", flags->force, "Replace it where it is there already");
  command->add_option("--rows", options.sample.rows, "Look at so many rows from the start")
      ->check(CLI::Range(int64_t{1}, int64_t{10'000'000}))
      ->capture_default_str();
  command->add_option("--name", options.name, "The model's name (default: from FILE)");
  command->add_option("--scene_column", options.wishes.scene_column, "The column that holds each row's scene");
  command->add_option("--time_column", options.wishes.time_column, "When each event happened");
  command->add_option("--request_column", options.wishes.request_column,
                      "What groups the rows of a request or session");
  const auto columns = [command](const char* flag, std::vector<std::string>& to, const char* what) {
    command->add_option(flag, to, what)->allow_extra_args(false)->type_name("COLUMN");
  };
  columns("--label", options.wishes.labels, "Something to predict (then nothing else is)");
  columns("--ignore", options.wishes.ignored, "Leave it out");
  columns("--candidate", options.wishes.candidates, "A feature of what is offered");
  columns("--context", options.wishes.contexts, "A feature of who asks, or of the moment");
  command->callback([&common, flags, set_work] { set_work([&common, flags] { return Init(common, *flags); }); });
}

void AddCheck(CLI::App& model, const CommonFlags& common, const SetWork& set_work) {
  CLI::App* command = model.add_subcommand("check", "Explain what a model file means, or every mistake in it");
  command->footer(
      "Exit status 1 where the model file has mistakes, or rows of --data would be refused.\n\n"
      "Example:\n"
      "  polyscene simulate --rows 9000 --out s.csv && polyscene model init s.csv --out s.textproto\n"
      "  polyscene model check s.textproto --data s.csv");
  auto flags = std::make_shared<CheckFlags>();
  command->add_option("FILE", flags->file, "The model file")->required();
  command->add_option("--data", flags->data, "A CSV file of events: does it fit, and what would be refused?");
  command->add_option("--rows", flags->rows, "With --data: look at so many rows from the start")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->callback([&common, flags, set_work] { set_work([&common, flags] { return Check(common, *flags); }); });
}

}  // namespace

void AddModelCommand(CLI::App& app, const CommonFlags& common, SetWork set_work) {
  CLI::App* command = app.add_subcommand("model", "Propose a model file for a CSV file, or explain one");
  command->footer(
      "Example:\n"
      "  polyscene simulate --rows 9000 --out s.csv && polyscene model init s.csv --out s.textproto\n"
      "  polyscene model check s.textproto --data s.csv");
  command->require_subcommand(1);
  AddInit(*command, common, set_work);
  AddCheck(*command, common, set_work);
}

}  // namespace polyscene::cli
