#include "tests/faults/server_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

extern char** environ;

namespace polyscene {
namespace {

constexpr char kFaultVariable[] = "POLYSCENE_FAULT=";

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 0, 1 << 30));
}

}  // namespace

ServerProcess::ServerProcess(const ServerCommand& command) {
  std::vector<std::string> words{command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!absl::StartsWith(*variable, kFaultVariable)) variables.push_back(*variable);
  }
  if (!command.fault.empty()) variables.push_back(absl::StrCat(kFaultVariable, command.fault));
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);

  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) abort();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, command.errors_path.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0644);
  if (posix_spawn(&process_, argv[0], &actions, nullptr, argv.data(), envp.data()) != 0) process_ = -1;
  posix_spawn_file_actions_destroy(&actions);
  close(output[1]);
  output_ = output[0];
  if (process_ > 0) handle_ = static_cast<int>(syscall(SYS_pidfd_open, process_, 0));
}

ServerProcess::~ServerProcess() {
  if (process_ > 0) Signal(SIGKILL, absl::Minutes(1));
  if (handle_ >= 0) close(handle_);
  close(output_);
}

absl::Status ServerProcess::WaitUntilServing(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!absl::StrContains(said_, "serving version")) {
    pollfd readable{output_, POLLIN, 0};
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("the server does not serve");
    if (poll(&readable, 1, Milliseconds(left)) <= 0) continue;
    char text[512];
    const ssize_t count = read(output_, text, sizeof(text));
    if (count <= 0) {
      WaitForEnd(absl::Seconds(10));
      return absl::AbortedError(absl::StrCat("the server ended before it served: ", EndText()));
    }
    said_.append(text, static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

bool ServerProcess::WaitForEnd(absl::Duration timeout) {
  if (process_ <= 0) return true;
  pollfd ended{handle_, POLLIN, 0};
  if (poll(&ended, 1, Milliseconds(timeout)) <= 0) return false;
  int status = 0;
  waitpid(process_, &status, 0);
  process_ = -1;
  end_ = status;
  return true;
}

bool ServerProcess::Signal(int number, absl::Duration timeout) {
  if (process_ > 0) kill(process_, number);
  return WaitForEnd(timeout);
}

std::string ServerProcess::EndText() const {
  if (!end_.has_value()) return process_ > 0 ? "it runs" : "it could not be started";
  return WIFEXITED(*end_) ? absl::StrCat("exit status ", WEXITSTATUS(*end_)) : absl::StrCat("signal ", WTERMSIG(*end_));
}

int FreePort() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    abort();
  }
  close(listener);
  return ntohs(address.sin_port);
}

}  // namespace polyscene
