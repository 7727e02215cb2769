// `polyscene backup`: a copy of the server's data directory, while it is in use.
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/commands.h"
#include "client/lib/client.h"
#include "model/report/figure_json.h"
#include "model/report/text_table.h"

namespace polyscene::cli {
namespace {

int Backup(const CommonFlags& common, const std::string& directory) {
  if (directory.empty()) return UsedWrongly("DIR: got '', expected a path to nothing yet");
  // Where this command runs, which the server may know nothing of.
  std::string absolute = std::filesystem::absolute(directory).lexically_normal().string();
  if (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  const absl::Time start = absl::Now();
  const absl::StatusOr<v1::BackupResponse> backup = client::Client({.server = common.server}).Backup(absolute);
  if (!backup.ok()) return Fail(backup.status());
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  if (common.json) {
    PrintJson({{"directory", backup->directory()},
               {"bytes", backup->bytes()},
               {"log_end_offset", backup->log_end_offset()},
               {"checkpoint_offset", backup->checkpoint_offset()},
               {"seconds", JsonNumber(seconds)}});
    return kDone;
  }
  const auto count = [](uint64_t value) { return WithThousands(static_cast<long long>(value)); };
  std::cout << backup->directory() << ": " << ReadableBytes(static_cast<double>(backup->bytes())) << " in "
            << ReadableSeconds(seconds) << "\nlog up to offset " << count(backup->log_end_offset())
            << ", checkpoint at offset " << count(backup->checkpoint_offset()) << "\n";
  return kDone;
}

}  // namespace

void AddBackupCommand(CLI::App& app, const CommonFlags& common, SetWork set_work) {
  CLI::App* command = app.add_subcommand("backup", "Copy the server's data directory while it is in use");
  command->footer(
      "DIR is new, and on the server's machine. The copy is consistent: a server with --data_dir DIR, on any machine,\n"
      "goes on from there. What two such servers learn afterwards is their own.\n\n"
      "Example:\n  polyscene backup backup-$(date +%s)");
  auto directory = std::make_shared<std::string>();
  command->add_option("DIR", *directory, "Where the copy goes")->required();
  command->callback(
      [&common, directory, set_work] { set_work([&common, directory] { return Backup(common, *directory); }); });
}

}  // namespace polyscene::cli
