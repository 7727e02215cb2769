// What every --help ends with, pasted into a shell as it stands.
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "tests/integration/marketplace/programs.h"
#include "tests/support/temp_directory.h"

namespace polyscene {
namespace {

// A server of the marketplace, and a `polyscene` on the PATH that asks it instead of port 50051.
class HelpExamples : public ::testing::Test {
 protected:
  HelpExamples() {
    server_ = std::make_unique<BackgroundProgram>(std::vector<std::string>{
        POLYSCENE_SERVER_PROGRAM, "--model", absl::StrCat(POLYSCENE_MODELS, "/marketplace.textproto"), "--data_dir",
        (directory_.path() / "data").string(), "--listen", "127.0.0.1:0", "--metrics_listen", "127.0.0.1:0"});
    const std::string address = server_->WaitForLine("listening on ");
    server_->WaitForLine("serving version ");
    std::filesystem::create_directory(bin_);
    std::ofstream(bin_ / "polyscene") << "#!/bin/sh\nexec " << POLYSCENE_PROGRAM << " --server " << address
                                      << " \"$@\"\n";
    std::filesystem::permissions(bin_ / "polyscene", std::filesystem::perms::owner_all);
  }

  static std::vector<std::string> HelpLines(const std::string& command) {
    std::vector<std::string> words = {POLYSCENE_PROGRAM};
    for (const absl::string_view word : absl::StrSplit(command, ' ', absl::SkipEmpty())) words.emplace_back(word);
    words.emplace_back("--help");
    const ProgramResult help = RunProgram(words);
    EXPECT_EQ(help.exit_status, 0) << command;
    return absl::StrSplit(help.out, '\n');
  }

  // The commands below `command`, by its help.
  static std::vector<std::string> CommandsOf(const std::string& command) {
    std::vector<std::string> commands;
    bool listed = false;
    for (const std::string& line : HelpLines(command)) {
      if (line == "Subcommands:") {
        listed = true;
      } else if (line.empty()) {
        listed = false;
      } else if (listed && absl::StartsWith(line, "  ") && line[2] != ' ') {
        commands.push_back(absl::StrCat(command, command.empty() ? "" : " ", line.substr(2, line.find(' ', 2) - 2)));
      }
    }
    return commands;
  }

  // The lines below "Example" or "Examples", which follow each other in one shell.
  static std::vector<std::string> ExamplesOf(const std::string& command) {
    std::vector<std::string> lines;
    bool begun = false;
    for (const std::string& line : HelpLines(command)) {
      if (absl::StartsWith(line, "Example")) {
        begun = true;
      } else if (begun && absl::StartsWith(line, "  ")) {
        lines.emplace_back(absl::StripLeadingAsciiWhitespace(line));
      }
    }
    return lines;
  }

  TempDirectory directory_;
  const std::filesystem::path bin_ = directory_.path() / "bin";
  std::unique_ptr<BackgroundProgram> server_;
};

TEST_F(HelpExamples, EveryCommandHasOneThatWorksWhenPasted) {
  std::vector<std::string> commands = {""};
  for (size_t next = 0; next < commands.size(); ++next) {
    for (const std::string& command : CommandsOf(commands[next])) commands.push_back(command);
  }
  ASSERT_GT(commands.size(), 10u) << absl::StrJoin(commands, ", ");

  for (size_t c = 0; c < commands.size(); ++c) {
    SCOPED_TRACE(absl::StrCat("polyscene ", commands[c], " --help"));
    const std::vector<std::string> examples = ExamplesOf(commands[c]);
    EXPECT_FALSE(examples.empty());
    const std::filesystem::path folder = directory_.path() / absl::StrCat("example", c);
    std::filesystem::create_directory(folder);
    const ProgramResult ran = RunProgram({"/bin/sh", "-c",
                                          absl::StrCat("PATH=", bin_.string(), ":$PATH; cd ", folder.string(), "\n",
                                                       absl::StrJoin(examples, " || exit 1\n"), "\n")});
    EXPECT_EQ(ran.exit_status, 0) << absl::StrJoin(examples, "\n") << "\n" << ran.error;
  }
}

TEST_F(HelpExamples, EveryHelpIsNoWiderThanAScreen) {
  std::vector<std::string> commands = {""};
  for (size_t next = 0; next < commands.size(); ++next) {
    for (const std::string& command : CommandsOf(commands[next])) commands.push_back(command);
    for (const std::string& line : HelpLines(commands[next]))
      EXPECT_LE(line.size(), 120u) << commands[next] << ": " << line;
  }
}

}  // namespace
}  // namespace polyscene
