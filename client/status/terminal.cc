#include "client/status/terminal.h"

#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace polyscene::cli {
namespace {

constexpr char kWoken = 0;  // On the pipe; else the number of a signal.
constexpr std::array kEnding = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
constexpr std::array kHandled = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP};

// What signal handlers need; they reach nothing else. Made by the first Terminal and kept: a late signal may write to
// it.
int pipe_ends[2] = {-1, -1};

termios before;                                     // The terminal's settings when it was taken over.
struct sigaction handlers_before[kHandled.size()];  // Likewise.

void Put(char byte) {
  const int error = errno;
  // A full pipe wakes all the same.
  [[maybe_unused]] const ssize_t written = write(pipe_ends[1], &byte, 1);
  errno = error;
}

void OnSignal(int signal) { Put(static_cast<char>(signal)); }

void MakePipe() {
  if (pipe_ends[0] >= 0) return;
  if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();  // Out of file descriptors at the start.
}

bool WriteAll(const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = write(STDOUT_FILENO, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno != EINTR && errno != EAGAIN) return false;
    done += std::max<ssize_t>(written, 0);
  }
  return true;
}

std::string ReadAvailable(int fd) {
  char bytes[256];
  const ssize_t count = read(fd, bytes, sizeof(bytes));
  return std::string(bytes, std::max<ssize_t>(count, 0));
}

}  // namespace

TerminalAbilities LookAtTerminal() {
  TerminalAbilities abilities;
  const char* const term = std::getenv("TERM");
  const char* const no_color = std::getenv("NO_COLOR");
  abilities.usable = isatty(STDOUT_FILENO) && term != nullptr && *term != '\0' && std::strcmp(term, "dumb") != 0;
  abilities.utf8 = std::setlocale(LC_CTYPE, "") != nullptr && std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  abilities.color = no_color == nullptr || *no_color == '\0';
  return abilities;
}

Terminal::Terminal(TerminalAbilities abilities) : abilities_(abilities) {
  MakePipe();
  keyboard_ = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < kHandled.size(); ++i) sigaction(kHandled[i], &action, &handlers_before[i]);
  Enter();
}

Terminal::~Terminal() {
  Leave();
  for (size_t i = 0; i < kHandled.size(); ++i) sigaction(kHandled[i], &handlers_before[i], nullptr);
}

ScreenSize Terminal::size() const {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

void Terminal::Draw(const std::vector<StyledLine>& lines) {
  if (!WriteAll(DrawScreen(lines, size(), abilities_.color))) gone_ = true;
}

Terminal::Input Terminal::Wait(absl::Duration timeout) {
  Input input;
  if (gone_) {
    input.signal = SIGHUP;
    return input;
  }
  pollfd sources[2] = {{pipe_ends[0], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  const int milliseconds = static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(timeout), 0, 3600 * 1000));
  if (poll(sources, keyboard_ ? 2 : 1, milliseconds) <= 0) return input;
  if (sources[0].revents != 0) {
    for (const char byte : ReadAvailable(pipe_ends[0])) {
      if (byte == SIGTSTP) Suspend();
      if (std::find(kEnding.begin(), kEnding.end(), byte) != kEnding.end()) input.signal = byte;
    }
  }
  if (keyboard_ && sources[1].revents != 0) {
    input.keys = ReadAvailable(STDIN_FILENO);
    if (input.keys.empty()) input.signal = SIGHUP;  // The terminal's other end was closed.
  }
  return input;
}

void Terminal::Wake() { Put(kWoken); }

void Terminal::Enter() {
  if (keyboard_) {
    termios raw = before;
    raw.c_lflag &= ~(ICANON | ECHO);  // ISIG stays: Ctrl-C is a signal like any other.
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  }
  if (!WriteAll(EnterScreen())) gone_ = true;
}

void Terminal::Leave() {
  WriteAll(LeaveScreen());
  if (keyboard_) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

void Terminal::Suspend() {
  Leave();
  raise(SIGSTOP);  // Here the process stands until SIGCONT.
  Enter();
}

}  // namespace polyscene::cli
