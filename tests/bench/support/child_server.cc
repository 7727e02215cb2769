#include "tests/bench/support/child_server.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace polyscene {
namespace {

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

}  // namespace

void ChildServer::Life::Serving(int port) const {
  if (write(port_to_, &port, sizeof port) != sizeof port) Die("telling the port");
}

void ChildServer::Life::WaitForStop() const {
  char byte;
  while (read(stop_from_, &byte, 1) < 0) {
  }
}

ChildServer::ChildServer(const std::function<void(const Life&)>& live) {
  int port[2], stop[2];
  if (pipe(port) != 0 || pipe(stop) != 0) Die("pipe");
  std::fflush(stdout);  // Else both processes print what waits.
  process_ = fork();
  if (process_ < 0) Die("fork");
  if (process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    live(Life(port[1], stop[0]));
    std::exit(0);
  }
  close(port[1]);
  close(stop[0]);
  port_from_ = port[0];
  stop_to_ = stop[1];
}

ChildServer::~ChildServer() {
  // A byte, not the pipe's end: children forked later hold that open too.
  if (write(stop_to_, "x", 1) != 1) kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  close(port_from_);
  close(stop_to_);
}

const std::string& ChildServer::address() {
  if (address_.empty()) {
    int port = 0;
    if (read(port_from_, &port, sizeof port) != sizeof port) Die("the server ended before it served");
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  return address_;
}

}  // namespace polyscene
