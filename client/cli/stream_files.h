// What streaming files and replaying them share: the flags, and what is looked at before anything is sent.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/commands.h"
#include "client/feed/event_feed.h"
#include "client/feed/rejected_file.h"
#include "model/data/event_reader.h"
#include "polyscene/v1/model.pb.h"

namespace polyscene::cli {

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

  bool replay = false;
  std::string predict_time_column;
  int64_t max_unserved = 512;
  double speed = 0;

  bool standard_input() const { return files.size() == 1 && files[0] == "-"; }
};

// What is wrong with the flags beside each other, and with --evaluate_from; empty: nothing.
std::string WrongFlags(const StreamFlags& flags);

// Of flags that are right.
client::Milestone MilestoneOf(const std::string& wait_for);
int64_t EvaluateFromMicros(const StreamFlags& flags);

// Whether the files are there, before the server is asked: a wrong path should not cost a wait for it.
absl::Status CheckFiles(const StreamFlags& flags);

// Tells of absent columns, of many files alike in one line: a misspelt name would go unnoticed otherwise. with_header:
// of files that have one, which is known before anything is read; else of the others, once all is.
void TellAbsentColumns(const v1::ModelFile& model, const EventReader& reader, bool with_header);

// OK where --scene says something of these files, and says aloud of which it does not.
absl::Status CheckScene(const StreamFlags& flags, const v1::ModelFile& model, const EventReader& reader);

// Null without --rejected.
absl::StatusOr<std::unique_ptr<RejectedFile>> CreateRejectedFile(const StreamFlags& flags, const EventReader& reader);

// After the summary: where the refused rows are, and the command's exit status. sent: what sending ended with; kept:
// what writing the refused rows did. how_to_go_on: after an interruption.
int EndOfStream(const StreamFlags& flags, const FeedSummary& summary, const RejectedFile* rejected,
                const absl::Status& sent, const absl::Status& kept, const std::string& how_to_go_on);

}  // namespace polyscene::cli
