// `polyscene stream`: a file's events, into the server's log and model.
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/commands.h"
#include "client/feed/event_feed.h"
#include "client/feed/file_identity.h"
#include "client/lib/client.h"
#include "client/lib/encode.h"
#include "model/data/event_columns.h"
#include "model/data/event_reader.h"
#include "model/data/event_times.h"

namespace polyscene::cli {
namespace {

struct StreamFlags {
  std::string file;
  std::string producer;
  int64_t batch_rows = 256;
  int64_t window_rows = 512;
  std::string evaluate_from = "0";
  std::string wait_for = "learned";
  int64_t max_rejected = 0;
  int64_t limit = std::numeric_limits<int64_t>::max();
};

const std::map<std::string, client::Milestone> kMilestones = {{"logged", client::Milestone::kLogged},
                                                              {"learned", client::Milestone::kLearned},
                                                              {"served", client::Milestone::kServed}};

// Sends every row of the file. What cannot be read on is returned after what stands before it was sent.
absl::Status SendFile(EventReader& reader, EventFeed& feed) {
  EventTable table;
  for (;;) {
    const absl::StatusOr<bool> more = reader.Next(&table);
    if (!more.ok() || !*more) return more.status();
    if (reader.file_bytes() > 0) {
      feed.SetFractionSent(static_cast<double>(reader.file_bytes_read()) / static_cast<double>(reader.file_bytes()));
    }
    std::vector<int64_t> lines = std::move(table.lines);
    if (absl::Status status = feed.Send(client::EncodeBatch(std::move(table)), std::move(lines)); !status.ok()) {
      return absl::Status(status.code(), absl::StrCat("sending: ", status.message()));
    }
  }
}

// What the file lacks and may lack: a misspelt name would go unnoticed otherwise.
std::string AbsentColumns(const v1::ModelFile& model, const EventColumns& columns) {
  std::set<std::string> found;
  for (const SceneColumns& scene : columns.scenes) {
    for (const FeatureColumn& feature : scene.features) found.insert(feature.name);
    for (const TaskColumns& task : scene.tasks) found.insert(task.name);
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

int Stream(const CommonFlags& common, const StreamFlags& flags) {
  FeedOptions options;
  options.server = common.server;
  options.wait_for = kMilestones.at(flags.wait_for);
  int64_t evaluate_from = 0;
  if (!ParseTimeMicros(flags.evaluate_from, &evaluate_from)) {
    return UsedWrongly(
        absl::StrCat("--evaluate_from: got '", flags.evaluate_from, "', expected ", kTimeFormats, ", 0 for all rows"));
  }
  options.evaluate_from_micros = evaluate_from;

  // Before the server is asked: a wrong path should not cost a wait for it.
  if (flags.file != "-") {
    if (absl::Status status = ByteSource::Open(flags.file).status(); !status.ok()) return Fail(status);
  }
  if (!flags.producer.empty()) {
    // A sequence number says which rows a batch holds only while the same rows are cut the same way.
    const absl::StatusOr<std::string> identity =
        FileIdentity(flags.file, {flags.batch_rows, flags.window_rows, flags.limit});
    if (!identity.ok()) return Fail(identity.status());
    options.producer = absl::StrCat(flags.producer, "@", *identity);
  }
  const absl::StatusOr<v1::GetModelResponse> model =
      client::Client(client::ClientOptions{.server = common.server}).GetModel();
  if (!model.ok()) return Fail(model.status());

  EventReaderOptions reading;
  reading.batch_rows = flags.batch_rows;
  reading.window_rows = flags.window_rows;
  reading.limit = flags.limit;
  EventFeed* feed_of_reader = nullptr;  // The feed starts its clock once the file is known to fit.
  reading.on_rejected = [&feed_of_reader](const RejectedLine& line) { feed_of_reader->AddRejectedLine(line); };
  const absl::StatusOr<std::unique_ptr<EventReader>> reader = EventReader::Open(flags.file, model->model(), reading);
  if (!reader.ok()) return Fail(reader.status());

  const std::string absent = AbsentColumns(model->model(), (*reader)->columns());
  if (!absent.empty()) std::cerr << "polyscene: " << flags.file << " has no column of " << absent << "\n";

  EventFeed feed(options);
  feed_of_reader = &feed;
  if (flags.producer.empty()) std::cerr << "producer " << feed.producer() << "\n";
  const absl::Status sent = SendFile(**reader, feed);
  feed.SetFractionSent(1);
  const absl::StatusOr<FeedSummary> summary = feed.Finish();
  if (!summary.ok()) return Fail(summary.status());

  if (common.json) {
    PrintJson(SummaryJson(*summary));
    if (!summary->rejections.empty()) std::cerr << summary->rejections << "\n";
  } else {
    std::cout << SummaryText(*summary) << std::flush;
  }
  if (!sent.ok()) return Fail(sent);
  if (summary->rows_rejected > flags.max_rejected) {
    return Fail(absl::InvalidArgumentError(absl::StrCat(summary->rows_rejected, " rows were refused, expected at most ",
                                                        flags.max_rejected, " (--max_rejected)")));
  }
  return kDone;
}

}  // namespace

void AddStreamCommand(CLI::App& app, const CommonFlags& common, SetWork set_work) {
  CLI::App* command = app.add_subcommand("stream", "Stream a file of labelled events to the server, which learns them");
  command->footer(
      "FILE is CSV, plain or gzip, with a header line that names features and labels as the model file does.\n"
      "With --producer, running the same command again resumes: what the server has is not sent twice. A file that\n"
      "changed, or another cut into batches, is a new stream.\n\n"
      "Example:\n  polyscene stream events.csv.gz --evaluate_from 2008-07-15");
  auto flags = std::make_shared<StreamFlags>();
  command->add_option("FILE", flags->file, "The events; - for standard input")->required();
  command->add_option("--producer", flags->producer, "Who sends, 1 to 55 bytes (default: a new one)")
      ->check(CLI::Validator(
          [](std::string& id) {
            return id.empty() || id.size() > 55 ? absl::StrCat("got ", id.size(), " bytes, expected 1 to 55") : "";
          },
          "ID"));
  command->add_option("--batch_rows", flags->batch_rows, "The most rows of one batch")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      ->add_option("--window_rows", flags->window_rows,
                   "Rows read before they are sent, scene by scene: no row moves further from its place")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--evaluate_from", flags->evaluate_from, "Evaluate rows from this event time on; 0: all rows")
      ->capture_default_str();
  command->add_option("--wait_for", flags->wait_for, "Return when all rows are logged, learned or served")
      ->check(CLI::IsMember({"logged", "learned", "served"}))
      ->capture_default_str();
  command->add_option("--max_rejected", flags->max_rejected, "Refused rows and lines that are no failure")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--limit", flags->limit, "Rows to send at most (default: all)")->check(CLI::PositiveNumber);
  command->callback([&common, flags, set_work] { set_work([&common, flags] { return Stream(common, *flags); }); });
}

}  // namespace polyscene::cli
