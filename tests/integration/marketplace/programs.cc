#include "tests/integration/marketplace/programs.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "gtest/gtest.h"

extern char** environ;

namespace polyscene {
namespace {

// Starts the program with standard output, and standard error unless `error` is -1, into the given files.
pid_t Spawn(const std::vector<std::string>& words, int out, int error) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  if (error >= 0) posix_spawn_file_actions_adddup2(&actions, error, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(failed, 0) << "cannot start " << words[0];
  return failed == 0 ? pid : -1;
}

int WaitForExit(pid_t pid) {
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

std::string ReadAll(int file) {
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = read(file, buffer, sizeof buffer)) > 0;) text.append(buffer, count);
  close(file);
  return text;
}

}  // namespace

ProgramResult RunProgram(const std::vector<std::string>& words) {
  ProgramResult result;
  int out[2], error[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(error, O_CLOEXEC) != 0) {
    ADD_FAILURE() << "no pipes";
    return result;
  }
  const pid_t pid = Spawn(words, out[1], error[1]);
  close(out[1]);
  close(error[1]);
  // Both at once: a program that fills the pipe that nobody reads would wait for ever.
  std::thread reader([&] { result.error = ReadAll(error[0]); });
  result.out = ReadAll(out[0]);
  reader.join();
  result.exit_status = WaitForExit(pid);
  return result;
}

BackgroundProgram::BackgroundProgram(const std::vector<std::string>& words) {
  int out[2];
  if (pipe2(out, O_CLOEXEC) != 0) {
    ADD_FAILURE() << "no pipe";
    return;
  }
  pid_ = Spawn(words, out[1], -1);
  close(out[1]);
  out_ = fdopen(out[0], "r");
}

BackgroundProgram::~BackgroundProgram() {
  Stop();
  if (out_ != nullptr) fclose(out_);
}

std::string BackgroundProgram::WaitForLine(const std::string& prefix) {
  char line[1024];
  while (out_ != nullptr && fgets(line, sizeof line, out_) != nullptr) {
    std::string text = line;
    if (!text.empty() && text.back() == '\n') text.pop_back();
    if (text.compare(0, prefix.size(), prefix) == 0) return text.substr(prefix.size());
  }
  ADD_FAILURE() << "the program ended before it said '" << prefix << "'";
  return "";
}

int BackgroundProgram::WaitForEnd() {
  char line[1024];
  while (out_ != nullptr && fgets(line, sizeof line, out_) != nullptr) {
  }
  if (pid_ >= 0) exit_status_ = WaitForExit(pid_);
  pid_ = -1;
  return exit_status_;
}

int BackgroundProgram::Stop() {
  if (pid_ < 0) return exit_status_;
  kill(pid_, SIGTERM);
  exit_status_ = WaitForExit(pid_);
  pid_ = -1;
  return exit_status_;
}

}  // namespace polyscene
