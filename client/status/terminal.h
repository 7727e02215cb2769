// The terminal that this process runs in.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/status/screen.h"

namespace polyscene::cli {

// What the surroundings say that a terminal can show.
struct TerminalAbilities {
  bool usable = false;  // Standard output is a terminal that can be drawn on.
  bool utf8 = false;    // The locale is a UTF-8 one.
  bool color = false;   // NO_COLOR is not set (https://no-color.org).
};
TerminalAbilities LookAtTerminal();  // Sets the process's character locale. Not while other threads run.

// Takes the terminal over for as long as it lives, and gives it back as it was; in between, Ctrl-Z and `fg` do
// likewise. While it lives, SIGINT, SIGTERM, SIGHUP and SIGQUIT do not end the process but Wait(). One at a time.
//
// Threads: its owner's one, but for Wake().
class Terminal {
 public:
  explicit Terminal(TerminalAbilities abilities);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  ScreenSize size() const;  // Now.

  void Draw(const std::vector<StyledLine>& lines);

  // Waits until something happens, or for `timeout`.
  struct Input {
    std::string keys;  // Bytes typed.
    int signal = 0;    // That asks the process to end; also SIGHUP where the terminal is gone.
  };
  Input Wait(absl::Duration timeout);

  void Wake();  // Makes Wait() return soon. From any thread.

 private:
  void Enter();
  void Leave();
  void Suspend();  // What Ctrl-Z asks for.

  const TerminalAbilities abilities_;
  bool keyboard_ = false;  // Standard input is a terminal, too.
  bool gone_ = false;      // Writing to it failed.
};

}  // namespace polyscene::cli
