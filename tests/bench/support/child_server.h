// A server in a process of its own, so that its processor time is its alone.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace polyscene {

// Forks: made before this process starts its first thread. Ends with its parent. Not thread-safe.
class ChildServer {
 public:
  // What the child does with its life: tells the port once it serves, and ends when it is to stop.
  class Life {
   public:
    Life(int port_to, int stop_from) : port_to_(port_to), stop_from_(stop_from) {}
    void Serving(int port) const;
    void WaitForStop() const;

   private:
    const int port_to_;
    const int stop_from_;
  };

  explicit ChildServer(const std::function<void(const Life&)>& live);
  ~ChildServer();  // Stops it and waits for its end.
  ChildServer(const ChildServer&) = delete;
  ChildServer& operator=(const ChildServer&) = delete;

  const std::string& address();  // Waits until it serves. Ends the program where the child ended instead.
  pid_t process() const { return process_; }

 private:
  pid_t process_ = -1;
  int port_from_ = -1;
  int stop_to_ = -1;
  std::string address_;
};

}  // namespace polyscene
