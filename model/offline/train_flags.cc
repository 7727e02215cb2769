#include "model/offline/train_flags.h"

#include <algorithm>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "model/data/event_times.h"

namespace polyscene {
namespace {

// One screen: by hand, for CLI11's own takes two.
constexpr char kHelp[] =
    R"(Trains a model on files, into a checkpoint that a server serves and goes on learning from.

  polyscene-train --model M --train FILE... [--test FILE... | --split TIME] --epochs N --out DIR
  polyscene-train --compare M1 M2... --train FILE... --split TIME [--seeds N]   which is better
  polyscene-train --checkpoint DIR [--predict FILE --out SCORES.csv] [--test FILE] [--export W.npz]
  polyscene-train --inspect DIR [--json]   prints a checkpoint, or each one of a data directory

  --model FILE        the model file            --train FILE...    CSV or JSON lines, plain or gzip
  --epochs N          passes over them [1]      --test FILE...     rows to evaluate, not learned
  --out DIR           checkpoint: a new folder  --split TIME       test on --train from TIME on
  --from DIR          go on from a checkpoint   --evaluate_from T  only the test rows from T on
  --from_log DATA_DIR in place of --train: the events a server's log retains, for any model file
  --batch_size N      rows a step [the model file's step_rows]
  --shuffle_buffer N  rows in memory to draw from [100000]; 0: the files' own order
  --seed N            decides the order [1]     --seeds N          runs of each compared model [1]
  --max_rejected N    bad rows to tolerate [0]  --threads N        of LibTorch [1]
  --hash_key FILE     as the server's           --device D         auto, cpu or cuda:N [auto]
  --checkpoint DIR    train nothing, use this   --predict FILE     score its rows into --out
  --scene S           of rows that name none    --export FILE.npz  weights for NumPy and PyTorch
  --tensorboard DIR   curves and histograms     --report F.html    the run as a page to read or send
  --json              result as one JSON object --version          print the version

Ctrl-C saves what was learned, then ends.  Example:
  polyscene simulate --rows 50000 --out events.csv.gz && polyscene-train --out ck \
    --model deploy/models/marketplace.textproto --train events.csv.gz --split 2026-02-19
)";

absl::Status Wrong(absl::string_view what) { return absl::InvalidArgumentError(what); }

absl::Status ReadTime(absl::string_view flag, const std::string& text, int64_t& micros) {
  if (text.empty() || ParseTimeMicros(text, &micros)) return absl::OkStatus();
  return Wrong(absl::StrCat(flag, ": got '", text, "', expected ", kTimeFormats));
}

// A word as a shell takes it.
std::string Quoted(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::StrContains("-_./:,=+@%", absl::string_view(&c, 1));
  });
  return plain ? word : absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

void DeclareFlags(CLI::App& app, TrainFlags& flags) {
  app.add_option("--model", flags.model);
  app.add_option("--train", flags.train)->expected(1, -1);
  app.add_option("--compare", flags.compare)->expected(1, -1);
  app.add_option("--seeds", flags.seeds)->check(CLI::Range(1, 1000));
  app.add_option("--test", flags.test)->expected(1, -1);
  app.add_option("--epochs", flags.epochs)->check(CLI::Range(1, 1'000'000));
  app.add_option("--out", flags.out);
  app.add_option("--from", flags.from);
  app.add_option("--from_log", flags.from_log);
  app.add_option("--batch_size", flags.batch_size)->check(CLI::Range(1, 1'048'576));
  app.add_option("--shuffle_buffer", flags.shuffle_buffer)->check(CLI::Range(int64_t{0}, int64_t{1'000'000'000}));
  app.add_option("--seed", flags.seed);
  app.add_option("--max_rejected", flags.max_rejected)->check(CLI::NonNegativeNumber);
  app.add_option("--threads", flags.threads)->check(CLI::Range(1, 1024));
  app.add_option("--hash_key", flags.hash_key);
  app.add_option("--device", flags.device);
  app.add_option("--checkpoint", flags.checkpoint);
  app.add_option("--inspect", flags.inspect);
  app.add_option("--predict", flags.predict);
  app.add_option("--scene", flags.scene);
  app.add_option("--export", flags.export_to);
  app.add_option("--tensorboard", flags.tensorboard);
  app.add_option("--report", flags.report);
  app.add_flag("--json", flags.json);
}

absl::Status CheckRows(const TrainFlags& flags) {
  if (flags.train.empty() && flags.from_log.empty()) {
    return Wrong("--train is missing, expected --train FILE (or --from_log DATA_DIR)");
  }
  if (!flags.train.empty() && !flags.from_log.empty()) return Wrong("--train and --from_log: expected one of them");
  if (flags.split && !flags.test.empty()) {
    return Wrong("--split and --test: expected one of them: with --split the test rows are --train's from then on");
  }
  return absl::OkStatus();
}

absl::Status CheckTraining(const TrainFlags& flags) {
  if (!flags.predict.empty()) return Wrong("--predict: expected --checkpoint DIR with it");
  if (flags.model.empty()) return Wrong("--model is missing, expected --model FILE (or --checkpoint DIR)");
  if (absl::Status status = CheckRows(flags); !status.ok()) return status;
  if (flags.out.empty()) return Wrong("--out is missing, expected --out DIR, a new folder for the checkpoint");
  return absl::OkStatus();
}

absl::Status CheckComparison(const TrainFlags& flags) {
  if (!flags.model.empty()) return Wrong("--compare and --model: expected one of them");
  if (!flags.checkpoint.empty() || !flags.from.empty() || !flags.out.empty() || !flags.predict.empty() ||
      !flags.export_to.empty()) {
    return Wrong("--compare keeps no checkpoint: expected no --out, --from, --checkpoint, --predict or --export");
  }
  if (absl::Status status = CheckRows(flags); !status.ok()) return status;
  if (flags.test.empty() && !flags.split) {
    return Wrong("--compare: nothing to compare by, expected --test FILE or --split TIME");
  }
  return absl::OkStatus();
}

absl::Status CheckInspection(const TrainFlags& flags) {
  if (!flags.model.empty() || !flags.train.empty() || !flags.test.empty() || !flags.checkpoint.empty() ||
      !flags.from.empty() || !flags.out.empty() || !flags.predict.empty() || !flags.export_to.empty() || flags.split ||
      !flags.compare.empty() || !flags.tensorboard.empty() || !flags.report.empty()) {
    return Wrong("--inspect: expected no other flag with it but --json");
  }
  return absl::OkStatus();
}

absl::Status CheckUse(const TrainFlags& flags) {
  if (!flags.tensorboard.empty() || !flags.report.empty()) {
    return Wrong("--checkpoint trains nothing: expected no --tensorboard or --report");
  }
  if (!flags.train.empty() || !flags.from_log.empty() || !flags.from.empty() || flags.split) {
    return Wrong("--checkpoint trains nothing: expected no --train, --split or --from (go on training: --from DIR)");
  }
  if (flags.predict.empty() && flags.test.empty() && flags.export_to.empty()) {
    return Wrong("--checkpoint: expected --predict FILE, --test FILE or --export FILE.npz with it");
  }
  if (flags.predict.empty() != flags.out.empty()) {
    return Wrong(flags.out.empty() ? "--predict: expected --out SCORES.csv with it"
                                   : "--out: expected --predict FILE with it, for --checkpoint trains nothing");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TrainFlags> ReadTrainFlags(int argc, const char* const* argv) {
  TrainFlags flags;
  for (int i = 0; i < argc; ++i) absl::StrAppend(&flags.command, i > 0 ? " " : "", Quoted(argv[i]));
  std::string split, evaluate_from;
  bool version = false;
  CLI::App app("", "polyscene-train");
  DeclareFlags(app, flags);
  app.add_option("--split", split);
  app.add_option("--evaluate_from", evaluate_from);
  app.add_flag("--version", version);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return absl::CancelledError(kHelp);
  } catch (const CLI::ParseError& error) {
    return Wrong(error.what());
  }
  if (version) return absl::CancelledError("polyscene-train " POLYSCENE_VERSION "\n");
  flags.split = !split.empty();
  if (absl::Status s = ReadTime("--split", split, flags.split_micros); !s.ok()) return s;
  if (absl::Status s = ReadTime("--evaluate_from", evaluate_from, flags.evaluate_from_micros); !s.ok()) return s;
  if (!flags.inspect.empty()) {
    if (absl::Status s = CheckInspection(flags); !s.ok()) return s;
    return flags;
  }
  if (!flags.scene.empty() && flags.predict.empty()) return Wrong("--scene: expected --predict FILE with it");
  if (flags.seeds > 1 && flags.compare.empty()) {
    return Wrong("--seeds: expected --compare FILE... with it (the order of one run's rows: --seed N)");
  }
  const absl::Status together = !flags.compare.empty()     ? CheckComparison(flags)
                                : flags.checkpoint.empty() ? CheckTraining(flags)
                                                           : CheckUse(flags);
  if (!together.ok()) return together;
  return flags;
}

}  // namespace polyscene
