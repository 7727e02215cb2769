#include "client/cli/replay_files.h"

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "client/lib/client.h"
#include "client/replay/replay_report.h"
#include "client/replay/replay_rows.h"
#include "client/replay/replay_run.h"
#include "model/report/interrupt.h"
#include "model/spec/model_spec.h"

namespace polyscene::cli {

int ReplayFiles(const CommonFlags& common, const StreamFlags& flags) {
  if (absl::Status status = CheckFiles(flags); !status.ok()) return Fail(status);
  const absl::StatusOr<v1::GetModelResponse> served = client::Client({.server = common.server}).GetModel();
  if (!served.ok()) return Fail(served.status());
  const v1::ModelFile& model = served->model();
  const absl::StatusOr<std::shared_ptr<const ModelSpec>> spec = ModelSpec::Create(model);
  if (!spec.ok()) return Fail(spec.status());

  replay::ReplayRowsOptions reading;
  reading.predict_time_column = flags.predict_time_column;
  reading.limit = flags.limit;
  reading.scene = flags.scene;
  reading.keep_text = !flags.rejected.empty();
  reading.stop = Interrupted;
  replay::ReplayRun* run_of_reader = nullptr;
  reading.on_rejected = [&run_of_reader](const RejectedLine& line) { run_of_reader->AddRejectedLine(line); };
  const absl::StatusOr<std::unique_ptr<replay::ReplayRows>> rows =
      replay::ReplayRows::Open(flags.files, model, std::move(reading));
  if (!rows.ok()) return Fail(rows.status());
  const EventReader& reader = (*rows)->reader();
  if (absl::Status status = CheckScene(flags, model, reader); !status.ok()) return UsedWrongly(status.message());
  TellAbsentColumns(model, reader, /*with_header=*/true);
  if (model.files().label_time_column().empty()) {
    std::cerr
        << "polyscene: the model file names no label_time_column: labels come with their events (of a day without "
           "a time: at its end)\n";
  }
  const absl::StatusOr<std::unique_ptr<RejectedFile>> rejected = CreateRejectedFile(flags, reader);
  if (!rejected.ok()) return Fail(rejected.status());

  replay::ReplayOptions options;
  options.feed.server = common.server;
  options.feed.producer = MakeProducerId();  // Always a new one: its request ids are of this run alone.
  options.feed.evaluate_from_micros = EvaluateFromMicros(flags);
  options.feed.wait_for = MilestoneOf(flags.wait_for);
  options.feed.files = flags.files;
  options.feed.rejected_file = rejected->get();
  options.feed.interrupted = Interrupted;
  options.max_unserved = flags.max_unserved;
  options.speed = flags.speed;
  options.predicts_elsewhere = !flags.predict_time_column.empty();

  CatchInterrupts("\npolyscene: interrupted: what was sent is still logged; once more ends at once\n");
  std::cerr << "producer " << options.feed.producer << "\n";
  replay::ReplayRun run(*spec, std::move(options));
  run_of_reader = &run;
  const absl::Status played = run.Play(**rows);
  const absl::StatusOr<replay::ReplaySummary> summary = run.Finish();
  const absl::Status kept = *rejected == nullptr ? absl::OkStatus() : (*rejected)->Close();
  if (!played.ok() && !summary.ok()) return Fail(played);
  if (!summary.ok()) return Fail(summary.status());
  if (played.ok() && !Interrupted()) TellAbsentColumns(model, reader, /*with_header=*/false);

  if (common.json) {
    PrintJson(replay::ReplayJson(*summary));
    if (!summary->feed.rejections.empty()) std::cerr << summary->feed.rejections << "\n";
  } else {
    std::cout << replay::ReplayText(*summary) << std::flush;
  }
  const int exit_status = EndOfStream(flags, summary->feed, rejected->get(), played, kept,
                                      "what was sent is logged and will be learned; a replay is not resumed");
  if (exit_status == kDone && summary->rows_not_remembered > 0) {
    return Fail(absl::ResourceExhaustedError("the server did not remember every row"));
  }
  return exit_status;
}

}  // namespace polyscene::cli
