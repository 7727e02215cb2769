// `polyscene stream`: events of files or of standard input, into the server's log and model.
#include <algorithm>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/cli/commands.h"
#include "client/feed/event_feed.h"
#include "client/feed/file_identity.h"
#include "client/feed/rejected_file.h"
#include "client/lib/client.h"
#include "client/lib/encode.h"
#include "model/data/byte_source.h"
#include "model/data/event_columns.h"
#include "model/data/event_reader.h"
#include "model/data/event_times.h"
#include "model/report/interrupt.h"

namespace polyscene::cli {
namespace {

// The longest that a row of a pipe waits for others to be sent with: one batch for many rows is cheaper by far, and
// nobody sees a fifth of a second in when a row is learned.
constexpr absl::Duration kLongestWait = absl::Milliseconds(200);

struct StreamFlags {
  std::vector<std::string> files;
  std::string scene;
  std::string producer;
  int64_t batch_rows = 256;
  int64_t window_rows = 512;
  std::string evaluate_from = "0";
  std::string wait_for = "learned";
  std::string rejected;
  int64_t max_rejected = 0;
  double rate = 0;
  int64_t limit = std::numeric_limits<int64_t>::max();

  bool standard_input() const { return files.size() == 1 && files[0] == "-"; }
};

const std::map<std::string, client::Milestone> kMilestones = {{"logged", client::Milestone::kLogged},
                                                              {"learned", client::Milestone::kLearned},
                                                              {"served", client::Milestone::kServed}};

// Sends every row. What cannot be read on is returned after what stands before it was sent.
absl::Status SendRows(EventReader& reader, EventFeed& feed) {
  EventTable table;
  for (;;) {
    const absl::StatusOr<bool> more = reader.Next(&table);
    if (!more.ok() || !*more) return more.status();
    if (reader.file_bytes() > 0) {
      feed.SetFractionSent(static_cast<double>(reader.file_bytes_read()) / static_cast<double>(reader.file_bytes()));
    }
    RowOrigins origins{std::move(table.lines), std::move(table.files), std::move(table.texts)};
    if (absl::Status status = feed.Send(client::EncodeBatch(std::move(table)), std::move(origins)); !status.ok()) {
      return absl::Status(status.code(), absl::StrCat("sending: ", status.message()));
    }
  }
}

// What a file lacks and may lack: a misspelt name would go unnoticed otherwise.
std::string AbsentColumns(const v1::ModelFile& model, const EventColumns& columns, const RowSource& source) {
  const auto has = [&](int field) { return field >= 0 && source.HasColumn(field); };
  std::set<std::string> found;
  for (const SceneColumns& scene : columns.scenes) {
    for (const FeatureColumn& feature : scene.features) {
      if (has(feature.field)) found.insert(feature.name);
    }
    for (const TaskColumns& task : scene.tasks) {
      if (std::any_of(task.fields.begin(), task.fields.end(), has)) found.insert(task.name);
    }
  }
  std::vector<std::string> absent;
  for (const v1::Feature& feature : model.features()) {
    if (found.count(feature.name()) == 0) absent.push_back(absl::StrCat("feature '", feature.name(), "'"));
  }
  for (const v1::Task& task : model.tasks()) {
    if (found.count(task.name()) == 0) absent.push_back(absl::StrCat("task '", task.name(), "'"));
  }
  return absl::StrJoin(absent, ", ");
}

// Tells of absent columns, of many files alike in one line. with_header: of files that have one, which is known before
// anything is read; else of the others, once all is.
void TellAbsentColumns(const v1::ModelFile& model, const EventReader& reader, bool with_header) {
  std::map<std::string, std::vector<std::string>> files_by_absent;
  for (size_t file = 0; file < reader.files(); ++file) {
    if (reader.source(file).has_header() != with_header) continue;
    files_by_absent[AbsentColumns(model, reader.columns(file), reader.source(file))].push_back(
        reader.source(file).path());
  }
  for (const auto& [absent, files] : files_by_absent) {
    if (absent.empty()) continue;
    std::cerr << "polyscene: " << files[0];
    if (files.size() > 1) std::cerr << " and " << files.size() - 1 << (files.size() == 2 ? " other" : " others");
    std::cerr << (files.size() > 1 ? " have" : " has") << " no " << (with_header ? "column of " : "key of ") << absent
              << "\n";
  }
}

// OK where --scene says something of these files, and says aloud of which it does not.
absl::Status CheckScene(const StreamFlags& flags, const v1::ModelFile& model, const EventReader& reader) {
  if (flags.scene.empty()) return absl::OkStatus();
  std::vector<std::string> own;
  for (size_t file = 0; file < reader.files(); ++file) {
    if (reader.source(file).has_header() && reader.columns(file).scene_field >= 0) {
      own.push_back(reader.source(file).path());
    }
  }
  if (own.size() == reader.files()) {
    return absl::InvalidArgumentError(absl::StrCat("--scene ", flags.scene, ": ", absl::StrJoin(own, ", "),
                                                   own.size() == 1 ? " has" : " have", " the column '",
                                                   SceneColumnOf(model), "'; expected a file without it"));
  }
  if (!own.empty()) {
    std::cerr << "polyscene: rows of " << absl::StrJoin(own, ", ") << " are of the scenes that they name, those of the "
              << "other files of " << flags.scene << "\n";
  }
  return absl::OkStatus();
}

// The id under which a second run finds what a first one sent: a sequence number says which rows a batch holds only
// while the same rows are cut the same way.
absl::StatusOr<std::string> ProducerOf(const StreamFlags& flags, const std::string& id, const v1::ModelFile& model) {
  const absl::StatusOr<std::string> identity =
      FileIdentity(flags.files, absl::StrCat(flags.batch_rows, ";", flags.window_rows, ";", flags.limit, ";",
                                             flags.scene, ";", ReadingOf(model)));
  if (!identity.ok()) return identity.status();
  const std::string suffix = absl::StrCat("@", *identity);
  return absl::EndsWith(id, suffix) ? id : absl::StrCat(id, suffix);
}

absl::StatusOr<std::unique_ptr<RejectedFile>> CreateRejectedFile(const StreamFlags& flags, const EventReader& reader) {
  if (flags.rejected.empty()) return nullptr;
  std::vector<RejectedSource> sources;
  for (size_t file = 0; file < reader.files(); ++file) {
    const RowSource& source = reader.source(file);
    sources.push_back({source.path(), !source.has_header(), {}});
    if (source.has_header()) sources.back().header = source.header();
  }
  return RejectedFile::Create(flags.rejected, std::move(sources));
}

std::string HowToGoOn(const StreamFlags& flags, const std::string& id, bool all_sent) {
  if (all_sent) return "all rows are logged and will be learned";
  if (flags.standard_input()) return "what was read is logged; let the source begin behind it";
  return absl::StrCat("what was sent is logged; the same command with --producer ", id, " goes on from there");
}

int Stream(const CommonFlags& common, const StreamFlags& flags) {
  FeedOptions options;
  options.server = common.server;
  options.wait_for = kMilestones.at(flags.wait_for);
  options.files = flags.files;
  options.rows_a_second = flags.rate;
  options.interrupted = Interrupted;
  int64_t evaluate_from = 0;
  if (!ParseTimeMicros(flags.evaluate_from, &evaluate_from)) {
    return UsedWrongly(
        absl::StrCat("--evaluate_from: got '", flags.evaluate_from, "', expected ", kTimeFormats, ", 0 for all rows"));
  }
  options.evaluate_from_micros = evaluate_from;
  if (!flags.standard_input() && std::count(flags.files.begin(), flags.files.end(), "-") > 0) {
    return UsedWrongly("-: standard input is not merged with files, expected it alone");
  }
  if (flags.standard_input() && !flags.producer.empty()) {
    return UsedWrongly(
        "--producer: what comes from standard input cannot be known from an earlier run, so nothing could be passed "
        "over safely; expected a file");
  }

  // Before the server is asked: a wrong path should not cost a wait for it.
  for (const std::string& file : flags.files) {
    if (file == "-") continue;
    if (absl::Status status = ByteSource::Open(file).status(); !status.ok()) return Fail(status);
  }
  const absl::StatusOr<v1::GetModelResponse> served =
      client::Client(client::ClientOptions{.server = common.server}).GetModel();
  if (!served.ok()) return Fail(served.status());
  const v1::ModelFile& model = served->model();

  const std::string id = flags.producer.empty() ? MakeProducerId() : flags.producer;
  options.producer = id;
  if (!flags.standard_input()) {
    absl::StatusOr<std::string> producer = ProducerOf(flags, id, model);
    if (!producer.ok()) return Fail(producer.status());
    options.producer = *std::move(producer);
  }

  EventReaderOptions reading;
  reading.batch_rows = flags.batch_rows;
  reading.window_rows = flags.window_rows;
  reading.limit = flags.limit;
  reading.scene = flags.scene;
  reading.rows.keep_text = !flags.rejected.empty();
  reading.stop = Interrupted;
  if (flags.standard_input()) reading.longest_wait = kLongestWait;
  EventFeed* feed_of_reader = nullptr;  // The feed starts its clock once the files are known to fit.
  reading.on_rejected = [&feed_of_reader](const RejectedLine& line) { feed_of_reader->AddRejectedLine(line); };
  const absl::StatusOr<std::unique_ptr<EventReader>> reader = EventReader::OpenFiles(flags.files, model, reading);
  if (!reader.ok()) return Fail(reader.status());
  if (absl::Status status = CheckScene(flags, model, **reader); !status.ok()) return UsedWrongly(status.message());
  TellAbsentColumns(model, **reader, /*with_header=*/true);
  if (flags.files.size() > 1 && model.files().event_time_column().empty()) {
    std::cerr << "polyscene: the model file names no column of event times: the files follow each other as given\n";
  }
  const absl::StatusOr<std::unique_ptr<RejectedFile>> rejected = CreateRejectedFile(flags, **reader);
  if (!rejected.ok()) return Fail(rejected.status());
  options.rejected_file = rejected->get();

  CatchInterrupts("\npolyscene: interrupted: what was read is still sent; once more ends at once\n");
  EventFeed feed(options);
  feed_of_reader = &feed;
  if (flags.producer.empty()) std::cerr << "producer " << id << "\n";
  const absl::Status sent = SendRows(**reader, feed);
  const bool all_sent = sent.ok() && !Interrupted();
  feed.SetFractionSent(1);
  const absl::StatusOr<FeedSummary> summary = feed.Finish();
  const absl::Status kept = *rejected == nullptr ? absl::OkStatus() : (*rejected)->Close();
  if (!summary.ok()) return Fail(summary.status());
  if (all_sent) TellAbsentColumns(model, **reader, /*with_header=*/false);

  if (common.json) {
    PrintJson(SummaryJson(*summary));
    if (!summary->rejections.empty()) std::cerr << summary->rejections << "\n";
  } else {
    std::cout << SummaryText(*summary) << std::flush;
  }
  if (*rejected != nullptr && (*rejected)->rows() > 0 && kept.ok()) {
    std::cerr << "polyscene: the refused rows are in " << flags.rejected << "\n";
  }
  if (!sent.ok()) return Fail(sent);
  if (!kept.ok()) return Fail(kept);
  if (summary->interrupted)
    return Fail(absl::CancelledError(absl::StrCat("interrupted: ", HowToGoOn(flags, id, all_sent))));
  if (summary->rows_rejected > flags.max_rejected) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat(summary->rows_rejected, summary->rows_rejected == 1 ? " row was" : " rows were",
                     " refused, expected at most ", flags.max_rejected, " (--max_rejected)")));
  }
  return kDone;
}

}  // namespace

void AddStreamCommand(CLI::App& app, const CommonFlags& common, SetWork set_work) {
  CLI::App* command = app.add_subcommand("stream", "Stream labelled events to the server, which learns them");
  command->footer(
      "A FILE is CSV with a header line, or JSON lines, plain or gzip; several are merged by event time. Run\n"
      "again with the same --producer, the same files resume. Ctrl-C sends what was read, once more ends at once.\n\n"
      "From PostgreSQL: psql's COPY ... TO STDOUT WITH (FORMAT csv, HEADER), piped into `polyscene stream -`.\n"
      "Example, of the marketplace:\n"
      "  polyscene simulate --rows 50000 --out events.csv.gz && polyscene stream events.csv.gz");
  auto flags = std::make_shared<StreamFlags>();
  command->add_option("FILE", flags->files, "The events; - for standard input")->required();
  command->add_option("--scene", flags->scene, "The scene of rows whose file has no column of it");
  command->add_option("--producer", flags->producer, "Who sends, 1 to 55 bytes (default: a new one)")
      ->check(CLI::Validator(
          [](std::string& id) {
            return id.empty() || id.size() > 55 ? absl::StrCat("got ", id.size(), " bytes, expected 1 to 55") : "";
          },
          "ID"));
  command->add_option("--batch_rows", flags->batch_rows, "The most rows of one batch")
      ->check(CLI::Range(1, 1000000))
      ->option_text("INT=256");
  command->add_option("--window_rows", flags->window_rows, "Rows that are sent together, scene by scene")
      ->check(CLI::Range(1, 1000000))
      ->option_text("INT=512");
  command->add_option("--evaluate_from", flags->evaluate_from, "Evaluate rows from this event time on; 0: all rows")
      ->capture_default_str();
  command->add_option("--wait_for", flags->wait_for, "Return when all rows are logged, learned or served")
      ->check(CLI::IsMember({"logged", "learned", "served"}))
      ->option_text("WORD=learned");
  command->add_option("--rate", flags->rate, "Rows a second (default: as fast as they are taken)")
      ->check(CLI::Range(1e-3, 1e9))
      ->option_text("R");
  command->add_option("--rejected", flags->rejected, "Write refused rows with their reasons to this new file");
  command->add_option("--max_rejected", flags->max_rejected, "Refused rows and lines that are no failure")
      ->check(CLI::NonNegativeNumber)
      ->option_text("INT=0");
  command->add_option("--limit", flags->limit, "Rows to send at most (default: all)")->check(CLI::PositiveNumber);
  command->callback([&common, flags, set_work] { set_work([&common, flags] { return Stream(common, *flags); }); });
}

}  // namespace polyscene::cli
