// polyscene-server as its users meet it: a command line, lines to wait for, signals, exit statuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/temp_directory.h"
#include "tests/support/tiny_model.h"

namespace polyscene {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

// One run of the program. Killed if the test ends before it.
class Program {
 public:
  Program(const std::vector<std::string>& arguments, const std::string& errors_path) : errors_path_(errors_path) {
    int output[2];
    if (pipe(output) != 0) abort();
    process_ = fork();
    if (process_ == 0) {
      std::vector<char*> argv{const_cast<char*>(POLYSCENE_SERVER_PROGRAM)};
      for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
      argv.push_back(nullptr);
      dup2(output[1], STDOUT_FILENO);
      if (freopen(errors_path.c_str(), "w", stderr) == nullptr) _exit(99);
      execv(argv[0], argv.data());
      _exit(99);
    }
    close(output[1]);
    output_ = fdopen(output[0], "r");
  }
  ~Program() {
    if (process_ > 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
    fclose(output_);
  }

  std::string Line() {  // The next line of standard output; empty at its end.
    char line[4096];
    if (fgets(line, sizeof(line), output_) == nullptr) return "";
    std::string text = line;
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  void Signal(int number) const { kill(process_, number); }
  int Wait() {  // The exit status; -1 if a signal ended it.
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string Errors() const {
    std::ifstream file(errors_path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  const std::string errors_path_;
  pid_t process_ = -1;
  FILE* output_ = nullptr;
};

class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() { std::ofstream(Path("model.textproto")) << TinyModelText(); }

  std::string Path(const std::string& name) const { return (directory_.path() / name).string(); }

  std::unique_ptr<Program> Run(std::vector<std::string> arguments) {
    return std::make_unique<Program>(arguments, Path("errors" + std::to_string(runs_++)));
  }
  std::unique_ptr<Program> Serve(const std::string& data = "data", const std::string& listen = "127.0.0.1:0") {
    return Run({"--model", Path("model.textproto"), "--data_dir", Path(data), "--listen", listen, "--metrics_listen",
                "127.0.0.1:0", "--device", "cpu"});
  }

  TempDirectory directory_;
  int runs_ = 0;
};

TEST_F(ProgramTest, SaysWhereItListensAndEndsCleanlyOnASignal) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const std::unique_ptr<Program> server = Serve();
    EXPECT_THAT(server->Line(), MatchesRegex("listening on 127\\.0\\.0\\.1:[1-9][0-9]*"));
    EXPECT_THAT(server->Line(), MatchesRegex("metrics on http://127\\.0\\.0\\.1:[1-9][0-9]*/metrics"));
    EXPECT_THAT(server->Line(), MatchesRegex("serving version [1-9][0-9]*"));
    server->Signal(signal);
    EXPECT_EQ(server->Wait(), 0);
    EXPECT_EQ(server->Line(), "");
  }
}

TEST_F(ProgramTest, ComesBackAfterBeingKilled) {
  for (int run = 0; run < 2; ++run) {
    const std::unique_ptr<Program> server = Serve();
    for (int line = 0; line < 3; ++line) EXPECT_NE(server->Line(), "");
    server->Signal(SIGKILL);
    EXPECT_EQ(server->Wait(), -1);
  }
}

TEST_F(ProgramTest, UsedWronglyItExitsWithTwoAndSaysWhatIsWrong) {
  const std::unique_ptr<Program> nothing = Run({});
  EXPECT_EQ(nothing->Wait(), 2);
  EXPECT_THAT(nothing->Errors(), HasSubstr("--model"));
  EXPECT_EQ(nothing->Line(), "");

  std::ofstream(Path("bad.textproto")) << "name: \"bad\"\nfeatuers {}\n";
  const std::unique_ptr<Program> bad = Run({"--model", Path("bad.textproto"), "--data_dir", Path("data")});
  EXPECT_EQ(bad->Wait(), 2);
  EXPECT_THAT(bad->Errors(), HasSubstr("bad.textproto:2:"));
  EXPECT_THAT(bad->Errors(), HasSubstr("featuers"));
}

TEST_F(ProgramTest, WhatKeepsItFromStartingIsToldAndItExitsWithOne) {
  const std::unique_ptr<Program> first = Serve();
  const std::string line = first->Line();
  ASSERT_THAT(line, StartsWith("listening on "));
  const std::string address = line.substr(std::string("listening on ").size());

  const std::unique_ptr<Program> same_port = Serve("other", address);
  EXPECT_EQ(same_port->Wait(), 1);
  EXPECT_THAT(same_port->Errors(), HasSubstr(address));
  const std::unique_ptr<Program> same_directory = Serve();
  EXPECT_EQ(same_directory->Wait(), 1);
  EXPECT_THAT(same_directory->Errors(), HasSubstr("in use by another server"));
}

TEST_F(ProgramTest, DumpsTheLogOfALiveServerAndSaysWhereThereIsNone) {
  const std::unique_ptr<Program> server = Serve();
  for (int line = 0; line < 3; ++line) EXPECT_NE(server->Line(), "");
  const std::unique_ptr<Program> dump = Run({"--dump_log", Path("data")});
  EXPECT_EQ(dump->Wait(), 0);
  EXPECT_EQ(dump->Errors(), "");
  const std::unique_ptr<Program> nothing = Run({"--dump_log", Path("nothing")});
  EXPECT_EQ(nothing->Wait(), 1);
  EXPECT_THAT(nothing->Errors(), HasSubstr("there is no event log in " + Path("nothing")));
  const std::unique_ptr<Program> wrong = Run({"--dump_log", Path("data"), "--count", "many"});
  EXPECT_EQ(wrong->Wait(), 2);
}

TEST_F(ProgramTest, HelpGoesToStandardOutput) {
  const std::unique_ptr<Program> help = Run({"--help"});
  EXPECT_EQ(help->Wait(), 0);
  EXPECT_NE(help->Line(), "");
  EXPECT_EQ(help->Errors(), "");
}

}  // namespace
}  // namespace polyscene
