// `polyscene stream`: events of files or of standard input, into the server's log and model.
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/cli/commands.h"
#include "client/cli/replay_files.h"
#include "client/cli/stream_files.h"
#include "client/feed/event_feed.h"
#include "client/feed/file_identity.h"
#include "client/feed/rejected_file.h"
#include "client/lib/client.h"
#include "client/lib/encode.h"
#include "model/data/event_reader.h"
#include "model/report/interrupt.h"

namespace polyscene::cli {
namespace {

// The longest that a row of a pipe waits for others to be sent with: one batch for many rows is cheaper by far, and
// nobody sees a fifth of a second in when a row is learned.
constexpr absl::Duration kLongestWait = absl::Milliseconds(200);

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

std::string HowToGoOn(const StreamFlags& flags, const std::string& id, bool all_sent) {
  if (all_sent) return "all rows are logged and will be learned";
  if (flags.standard_input()) return "what was read is logged; let the source begin behind it";
  return absl::StrCat("what was sent is logged; the same command with --producer ", id, " goes on from there");
}

int Stream(const CommonFlags& common, const StreamFlags& flags) {
  if (const std::string wrong = WrongFlags(flags); !wrong.empty()) return UsedWrongly(wrong);
  if (flags.replay) return ReplayFiles(common, flags);
  FeedOptions options;
  options.server = common.server;
  options.wait_for = MilestoneOf(flags.wait_for);
  options.files = flags.files;
  options.rows_a_second = flags.rate;
  options.interrupted = Interrupted;
  options.evaluate_from_micros = EvaluateFromMicros(flags);
  if (absl::Status status = CheckFiles(flags); !status.ok()) return Fail(status);
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
  return EndOfStream(flags, *summary, rejected->get(), sent, kept, HowToGoOn(flags, id, all_sent));
}

}  // namespace

void AddStreamCommand(CLI::App& app, const CommonFlags& common, SetWork set_work) {
  CLI::App* command = app.add_subcommand("stream", "Stream labelled events to the server, which learns them");
  command->footer(
      "A FILE is CSV with a header line, or JSON lines, plain or gzip; several are merged by event time. Run\n"
      "again with the same --producer, the same files resume. Ctrl-C sends what was read, once more ends at once.\n"
      "--replay: in time order, each row is predicted, and its labels sent at the model file's label_time_column.\n"
      "From PostgreSQL: psql's COPY ... TO STDOUT WITH (FORMAT csv, HEADER), piped into `polyscene stream -`.\n"
      "Examples, of the marketplace:\n"
      "  polyscene simulate --rows 50000 --out events.csv.gz && polyscene stream events.csv.gz\n"
      "  polyscene simulate --rows 3000 --out few.csv && polyscene stream --replay few.csv");
  auto flags = std::make_shared<StreamFlags>();
  command->add_option("FILE", flags->files, "The events; - for standard input")->required();
  command->add_option("--scene", flags->scene, "The scene of rows whose file has no column of it")->option_text("NAME");
  CLI::Option* producer = command->add_option("--producer", flags->producer, "Who sends (default: a new one)");
  producer->option_text("ID")->check(CLI::Validator(
      [](std::string& id) {
        return id.empty() || id.size() > 55 ? absl::StrCat("got ", id.size(), " bytes, expected 1 to 55") : "";
      },
      "ID"));
  CLI::Option* batch_rows = command->add_option("--batch_rows", flags->batch_rows, "The most rows of a batch");
  batch_rows->check(CLI::Range(1, 1000000))->option_text("N=256");
  CLI::Option* window_rows =
      command->add_option("--window_rows", flags->window_rows, "Rows that are sent together, scene by scene");
  window_rows->check(CLI::Range(1, 1000000))->option_text("N=512");
  command->add_option("--evaluate_from", flags->evaluate_from, "Evaluate rows from this event time on (0: all)")
      ->option_text("TIME");
  command->add_option("--wait_for", flags->wait_for, "Until all are logged, learned or served (then also how fresh)")
      ->check(CLI::IsMember({"logged", "learned", "served"}))
      ->option_text("WORD=learned");
  CLI::Option* rate = command->add_option("--rate", flags->rate, "Rows a second (default: as fast as they are taken)");
  rate->check(CLI::Range(1e-3, 1e9))->option_text("R");
  command->add_option("--rejected", flags->rejected, "Write refused rows with their reasons to this new file")
      ->option_text("FILE");
  command->add_option("--max_rejected", flags->max_rejected, "Refused rows and lines that are no failure")
      ->check(CLI::NonNegativeNumber)
      ->option_text("N=0");
  command->add_option("--limit", flags->limit, "Rows to send at most (default: all)")
      ->check(CLI::PositiveNumber)
      ->option_text("N");
  CLI::Option* replay = command->add_flag("--replay", flags->replay, "Predict each row first, send its labels later");
  replay->option_text(" ");  // Not what it excludes: the line would not fit.
  for (CLI::Option* option : {producer, batch_rows, window_rows, rate}) replay->excludes(option);
  command->add_option("--max_unserved", flags->max_unserved, "--replay: label rows that predictions may lack")
      ->check(CLI::Range(0, 1000000000))
      ->needs(replay)
      ->option_text("N=512");
  command->add_option("--speed", flags->speed, "--replay: times as fast as it was (default: as the server can)")
      ->check(CLI::Range(1e-6, 1e12))
      ->needs(replay)
      ->option_text("X");
  command->add_option("--predict_time_column", flags->predict_time_column, "--replay: predict at another time")
      ->needs(replay)
      ->option_text("COLUMN");
  command->callback([&common, flags, set_work] { set_work([&common, flags] { return Stream(common, *flags); }); });
}

}  // namespace polyscene::cli
